"""Codec: every payload that Temporal stores is AES-256-GCM, and nothing plain is accepted back.

The codec does not cover workflow, update and activity ids, names or search attributes: those hold
random ids only. Failure messages are covered through the failure converter chosen here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

from services.ids import new_secret

ENCODING = b"binary/aes-gcm"
_KEY_ID = "key-id"
# 96 bits is GCM's own nonce length; random ones are safe for 2**32 payloads a key.
# Source: NIST SP 800-38D, section 8.3 [K]. Rotate payload.json well before.
_NONCE_BYTES = 12


class PayloadRefused(ValueError):
    """A payload is plain, of an unknown key, or was altered. Its content is not to be trusted."""


@dataclass(frozen=True, slots=True)
class PayloadKeys:
    """Keys by id: the newest encrypts, every one decrypts."""

    newest: str
    keys: Mapping[str, bytes]

    def __post_init__(self) -> None:
        if self.newest not in self.keys:
            raise ValueError("the newest payload key is not among the keys")

    @classmethod
    def from_json(cls, text: bytes) -> "PayloadKeys":
        """Read {"newest": id, "keys": {id: 64 hex digits}}."""
        parsed = json.loads(text)
        keys = {key_id: bytes.fromhex(key) for key_id, key in parsed["keys"].items()}
        return cls(parsed["newest"], keys)


class EncryptingCodec(PayloadCodec):
    """Encrypts whole payloads, metadata included; the key id beside them is authenticated."""

    def __init__(self, keys: PayloadKeys) -> None:
        self._newest = keys.newest
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.keys.items()}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt each payload with the newest key."""
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt each payload.

        Raises:
            PayloadRefused: one is plain, of an unknown key, or was altered.
        """
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        nonce = new_secret(_NONCE_BYTES)
        key_id = self._newest.encode()
        sealed = self._ciphers[self._newest].encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(metadata={"encoding": ENCODING, _KEY_ID: key_id}, data=nonce + sealed)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            raise PayloadRefused("a payload is not encrypted")
        key_id = payload.metadata.get(_KEY_ID, b"")
        cipher = self._ciphers.get(key_id.decode(errors="replace"))
        if cipher is None:
            raise PayloadRefused("a payload names a key that is not in payload.json")
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, key_id))
        except InvalidTag as err:
            raise PayloadRefused("a payload was altered") from err


def data_converter(keys: PayloadKeys) -> DataConverter:
    """Return the one converter that clients and workers use."""
    return DataConverter(
        payload_converter_class=PydanticPayloadConverter,
        payload_codec=EncryptingCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
