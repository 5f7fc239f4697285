"""Ed25519 keys for the audit tests, made from a seed so that every run signs the same bytes."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.notes import SignatureType, VerifierKey


@dataclass(frozen=True)
class SigningKey:
    """A private key and the verifier key that goes into a policy."""

    private: Ed25519PrivateKey
    public: VerifierKey

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def signing_key(name: str, kind: SignatureType = SignatureType.ED25519) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    return SigningKey(private, VerifierKey(name, kind, private.public_key().public_bytes_raw()))


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
