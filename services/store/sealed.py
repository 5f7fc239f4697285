"""Authenticated encryption of one field, and the wrapping of data keys. Pure but for nonces.

Key-encryption key (KEK) -> one data key per patient -> fields. The associated data of a field
names its table, column, row, patient and schema version, so that a ciphertext moved anywhere
else does not open.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.ids import new_secret
from services.store.errors import KeyUnknown, Tampered

SCHEMA_VERSION = 1
KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed field stands. `row` is the row's primary key as text."""

    table: str
    column: str
    row: str
    patient_id: str

    def associated_data(self) -> bytes:
        """Return the bytes that bind a ciphertext to this place."""
        parts = (self.table, self.column, self.row, self.patient_id, str(SCHEMA_VERSION))
        return "|".join(parts).encode()


def seal(key: bytes, place: Place, plaintext: bytes) -> bytes:
    """Return nonce and AES-256-GCM ciphertext of one field."""
    nonce = new_secret(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, place.associated_data())


def unseal(key: bytes, place: Place, sealed: bytes) -> bytes:
    """Return the field's bytes.

    Raises:
        Tampered: changed, cut short, or sealed for another place or with another key.
    """
    try:
        return AESGCM(key).decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.associated_data()
        )
    except (InvalidTag, ValueError) as err:
        raise Tampered(f"{place.table}.{place.column} does not open") from err


@dataclass(frozen=True, slots=True)
class KeyEncryptionKeys:
    """Every KEK by id; the newest wraps, each of them unwraps."""

    newest: str
    keys: Mapping[str, bytes]

    def wrap(self, patient_id: str, data_key: bytes) -> tuple[str, bytes]:
        """Return the id of the newest KEK and the data key wrapped under it for this patient."""
        nonce = new_secret(_NONCE_BYTES)
        sealed = AESGCM(self.keys[self.newest]).encrypt(
            nonce, data_key, _key_data(patient_id, self.newest)
        )
        return self.newest, nonce + sealed

    def unwrap(self, patient_id: str, kek_id: str, wrapped: bytes) -> bytes:
        """Return the data key, 32 bytes.

        Raises:
            KeyUnknown: the secrets hold no KEK of this id.
            Tampered: changed, or another patient's.
        """
        kek = self.keys.get(kek_id)
        if kek is None:
            raise KeyUnknown(f"no key-encryption key {kek_id!r} in the secrets")
        data = _key_data(patient_id, kek_id)
        try:
            return AESGCM(kek).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], data)
        except (InvalidTag, ValueError) as err:
            raise Tampered("a wrapped data key does not open") from err


def parse_key_set(secret: bytes) -> KeyEncryptionKeys:
    """Return the key set in `kek.json`: {"newest": id, "keys": {id: 64 hex digits}}.

    Raises:
        KeyUnknown: not of that form; the message never holds a key.
    """
    try:
        document = json.loads(secret)
        keys = {str(name): bytes.fromhex(text) for name, text in document["keys"].items()}
        newest = str(document["newest"])
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise KeyUnknown("kek.json cannot be read") from err
    if newest not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise KeyUnknown("kek.json names no newest key, or a key is not 32 bytes")
    return KeyEncryptionKeys(newest, keys)


def _key_data(patient_id: str, kek_id: str) -> bytes:
    return f"wrapped_keys|wrapped|{patient_id}|{kek_id}|{SCHEMA_VERSION}".encode()
