"""Signed notes, checkpoints and witness cosignatures: wire forms only, keys stay outside.

Signing and verifying are passed in as callables, so that the process that holds a key is the only
one that can use it.

Source: C2SP signed-note v1, tlog-checkpoint v1, tlog-cosignature v1 (Ed25519 forms).
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from services.audit.merkle import HASH_BYTES, SIZE_LIMIT

ED25519_KEY_BYTES: Final = 32
ED25519_SIGNATURE_BYTES: Final = 64
NOTE_BYTES_LIMIT: Final = 64 * 1024
SIGNATURES_LIMIT: Final = 32

_KEY_ID_BYTES: Final = 4
_TIMESTAMP_BYTES: Final = 8
_SIGNATURE_START: Final = "\N{EM DASH} "

Sign = Callable[[bytes], bytes]
"""Signs a message with Ed25519; returns 64 bytes."""

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, signature, message) -> whether the Ed25519 signature is good."""


class MalformedNote(ValueError):
    """The text is not in the one accepted form. Refuse it; never repair it."""


class SignatureRefused(ValueError):
    """A known key's signature is wrong, or no known key signed. Do not use the note's text."""


class SignatureType(IntEnum):
    """Signature type byte, part of the key id."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name: `name` without spaces or plus, `public_key` 32 bytes."""

    name: str
    kind: SignatureType
    public_key: bytes

    def __post_init__(self) -> None:
        """Raises MalformedNote for a name or key that cannot stand in a note."""
        _check_name(self.name)
        if len(self.public_key) != ED25519_KEY_BYTES:
            raise MalformedNote("public key is not 32 bytes")

    @property
    def key_id(self) -> bytes:
        """Return the first 4 bytes of SHA-256(name, newline, type byte, public key)."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(data).digest()[:_KEY_ID_BYTES]

    def text(self) -> str:
        """Return the verifier key text `name+id+base64`, as policies write it."""
        material = encode_base64(bytes([self.kind]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who (name and 4-byte key id) and the bytes after the id."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line with its newline."""
        return f"{_SIGNATURE_START}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and its signatures. Unverified until `verified_by`."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's state: origin, number of leaves, 32-byte root; extension lines are opaque."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the note text, newline at the end."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def encode_base64(data: bytes) -> str:
    """Return RFC 4648 section 4 base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Return the bytes whose one canonical encoding is `text`.

    Raises: MalformedNote for anything else, also for set padding bits, which Python accepts.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as err:
        raise MalformedNote("not base64") from err
    if encode_base64(data) != text:
        raise MalformedNote("base64 that is not canonical")
    return data


def decimal(text: str) -> int:
    """Return a count written in ASCII decimal without leading zeros. Raises: MalformedNote."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        raise MalformedNote("not a decimal count")
    if len(text) > len(str(SIZE_LIMIT)) or int(text) >= SIZE_LIMIT:
        raise MalformedNote("count beyond 2^63-1")
    return int(text)


def parse_verifier_key(text: str) -> VerifierKey:
    """Return the key that `text` names. Raises: MalformedNote, also when the id does not fit."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedNote("verifier key without three parts")
    material = decode_base64(parts[2])
    try:
        kind = SignatureType(material[0] if material else 0)
    except ValueError as err:
        raise MalformedNote("unknown signature type") from err
    key = VerifierKey(parts[0], kind, material[1:])
    if key.key_id.hex() != parts[1]:
        raise MalformedNote("key id does not belong to the key")
    return key


def format_note(note: Note) -> bytes:
    """Return the note's bytes: text, blank line, signature lines."""
    return (note.text + "\n" + "".join(item.line() for item in note.signatures)).encode()


def parse_note(data: bytes) -> Note:
    """Return the note in `data`, nothing verified.

    Raises: MalformedNote for bad UTF-8, control characters, no signature, a line of another form,
    more than 64 KiB or 32 signatures.
    """
    if len(data) > NOTE_BYTES_LIMIT:
        raise MalformedNote("note too long")
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise MalformedNote("not UTF-8") from err
    if any(character < " " and character != "\n" for character in content):
        raise MalformedNote("control character")
    text, blank, tail = content.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise MalformedNote("no text, or no signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_LIMIT:
        raise MalformedNote("too many signatures")
    return Note(text + "\n", tuple(parse_signature(f"{line}\n") for line in lines))


def parse_signature(line: str) -> NoteSignature:
    """Return one signature line, newline included. Raises: MalformedNote."""
    body = line.removeprefix(_SIGNATURE_START).removesuffix("\n")
    name, space, encoded = body.partition(" ")
    if line != f"{_SIGNATURE_START}{body}\n" or not space:
        raise MalformedNote("not a signature line")
    _check_name(name)
    data = decode_base64(encoded)
    if len(data) <= _KEY_ID_BYTES:
        raise MalformedNote("signature too short")
    return NoteSignature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in a note's text. Raises: MalformedNote."""
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) < 3 or "" in lines:
        raise MalformedNote("a checkpoint has at least three non-empty lines")
    root = decode_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise MalformedNote("root hash is not 32 bytes")
    return Checkpoint(lines[0], decimal(lines[1]), root, tuple(lines[3:]))


def sign_text(text: str, key: VerifierKey, sign: Sign) -> NoteSignature:
    """Return `key`'s Ed25519 signature line over a note text that ends with a newline."""
    if key.kind is not SignatureType.ED25519 or not text.endswith("\n"):
        raise MalformedNote("a note is signed with an Ed25519 note key, over whole lines")
    return NoteSignature(key.name, key.key_id, sign(text.encode()))


def cosign_text(text: str, key: VerifierKey, sign: Sign, *, now: datetime) -> NoteSignature:
    """Return `key`'s cosignature over a checkpoint text, stamped with whole seconds of `now`."""
    if key.kind is not SignatureType.COSIGNATURE:
        raise MalformedNote("a cosignature needs a cosignature key")
    parse_checkpoint(text)
    timestamp_s = int(now.timestamp())
    signature = sign(_cosigned_message(text, timestamp_s))
    stamp = timestamp_s.to_bytes(_TIMESTAMP_BYTES, "big")
    return NoteSignature(key.name, key.key_id, stamp + signature)


def cosigned_at(signature: NoteSignature) -> datetime:
    """Return the UTC time inside a cosignature. Raises: MalformedNote."""
    if len(signature.signature) != _TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES:
        raise MalformedNote("not a cosignature")
    seconds = int.from_bytes(signature.signature[:_TIMESTAMP_BYTES], "big")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as err:
        raise MalformedNote("time out of range") from err


def verified_by(note: Note, keys: Iterable[VerifierKey], verify: Verify) -> frozenset[VerifierKey]:
    """Return the known keys that signed; unknown signatures are ignored.

    Raises: SignatureRefused when a known key's signature is wrong, or when no known key signed.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: set[VerifierKey] = set()
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not _is_good(note.text, signature, key, verify):
            raise SignatureRefused(f"wrong signature by {key.name}")
        found.add(key)
    if not found:
        raise SignatureRefused("no known key signed")
    return frozenset(found)


def _is_good(text: str, signature: NoteSignature, key: VerifierKey, verify: Verify) -> bool:
    value = signature.signature
    if key.kind is SignatureType.ED25519:
        is_sized = len(value) == ED25519_SIGNATURE_BYTES
        return is_sized and verify(key.public_key, value, text.encode())
    if len(value) != _TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES:
        return False
    timestamp_s = int.from_bytes(value[:_TIMESTAMP_BYTES], "big")
    if timestamp_s >= SIZE_LIMIT:
        return False
    message = _cosigned_message(text, timestamp_s)
    return verify(key.public_key, value[_TIMESTAMP_BYTES:], message)


def _cosigned_message(text: str, timestamp_s: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise MalformedNote("key name is empty, or has a space or a plus")
