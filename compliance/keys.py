"""The log's and the witness's keys from their secret files, each for the process that holds it."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from compliance.bundle import LogSigner
from compliance.witness import WitnessKeys
from services.audit.notes import Sign, SignatureType, VerifierKey
from services.settings import Settings, SettingsError

LOG_NAME: Final = "clinaiops.example/log"
WITNESS_NAME: Final = "clinaiops.example/witness"


def log_key(settings: Settings) -> VerifierKey:
    """Return the log's public key under its name, which is also the origin of its checkpoints."""
    return VerifierKey(LOG_NAME, SignatureType.ED25519, _public(settings, "log"))


def witness_key(settings: Settings) -> VerifierKey:
    """Return the witness's public key under its name."""
    return VerifierKey(WITNESS_NAME, SignatureType.COSIGNATURE, _public(settings, "witness"))


def log_signer(settings: Settings) -> LogSigner:
    """Return the log's signer. Only the sealer and the exporter can read its private key."""
    return LogSigner(log_key(settings), _signer(settings, "log"))


def witness_keys(settings: Settings) -> WitnessKeys:
    """Return what the witness holds: its own private key, and the log's public one."""
    own = witness_key(settings)
    return WitnessKeys(own, _signer(settings, "witness"), log_key(settings), verify)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the Ed25519 signature over the message is good."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _public(settings: Settings, name: str) -> bytes:
    key = load_pem_public_key(settings.secret(f"{name}.pub"))
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"secret {name}.pub is not an Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _signer(settings: Settings, name: str) -> Sign:
    key = load_pem_private_key(settings.secret(f"{name}.pem"), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"secret {name}.pem is not an Ed25519 key")
    return key.sign
