"""The secret files of one stack: made once, never overwritten, readable by their owner only."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from services.ids import new_id, new_secret

DATABASE_ROLES = (
    "postgres",
    "owner",
    "gateway",
    "clinician",
    "worker",
    "sealer",
    "auditor",
    "backup",
)
SIGNING_KEYS = ("token_gateway", "token_clinician", "log", "witness")


def make_missing_secrets(home: Path) -> tuple[str, ...]:
    """Create every secret file under `home/secrets` that is not there; return the names made.

    A key pair is written private part last, so that a crash between the two never leaves a
    private key whose public part is lost.
    """
    folder = home / "secrets"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    makers: dict[str, Callable[[], bytes]] = {
        **{f"db_{role}.password": _password for role in DATABASE_ROLES},
        "kek.json": _key_set,
        "payload.json": _key_set,
        "pseudonym.key": lambda: new_secret().hex().encode(),
        "dashboard_cookie.key": _password,
    }
    made = [name for name, make in makers.items() if _write_once(folder / name, make)]
    return tuple(made + [name for name in SIGNING_KEYS if _make_key_pair(folder, name)])


def _password() -> bytes:
    return new_secret(24).hex().encode()


def _key_set() -> bytes:
    """A set with one AES-256 key; the newest encrypts, every one decrypts."""
    key_id = new_id()[:8]
    return json.dumps({"newest": key_id, "keys": {key_id: new_secret().hex()}}).encode()


def _make_key_pair(folder: Path, name: str) -> bool:
    if (folder / f"{name}.pem").exists():
        return False
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.pub").unlink(missing_ok=True)
    _write_once(folder / f"{name}.pub", lambda: public)
    return _write_once(folder / f"{name}.pem", lambda: private)


def _write_once(path: Path, make: Callable[[], bytes]) -> bool:
    """Write a new file in one step, mode 0600; leave an existing one alone."""
    if path.exists():
        return False
    staged = path.with_suffix(path.suffix + ".new")
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    staged.rename(path)
    return True
