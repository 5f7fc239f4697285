"""The only maker of random identifiers."""

import secrets
import uuid


def new_id() -> str:
    """Return a random UUID (version 4) as text: meaningless, so it may appear in ids and logs."""
    return str(uuid.uuid4())


def new_secret(byte_count: int = 32) -> bytes:
    """Return `byte_count` bytes from the operating system's entropy."""
    return secrets.token_bytes(byte_count)
