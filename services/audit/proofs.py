"""Proof that one leaf is in the witnessed log, as one text that other tools read too.

Source: C2SP tlog-proof v1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.audit import merkle, notes
from services.audit.notes import Checkpoint, MalformedNote, VerifierKey, Verify

HEADER: Final = "c2sp.org/tlog-proof@v1"
# A path in a tree of fewer than 2^63 leaves has at most 63 hashes.
PATH_LIMIT: Final = 63


@dataclass(frozen=True, slots=True)
class LogProof:
    """`index` from 0, `path` of 32-byte hashes leaf upwards, `checkpoint` the signed note's bytes.

    `extra` is unauthenticated: it may help to find the leaf and must never be believed.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof(proof: LogProof) -> bytes:
    """Return the proof's text."""
    extra = [] if proof.extra is None else [f"extra {notes.encode_base64(proof.extra)}"]
    path = [notes.encode_base64(value) for value in proof.path]
    lines = [HEADER, *extra, f"index {proof.index}", *path, ""]
    return "".join(f"{line}\n" for line in lines).encode() + proof.checkpoint


def parse_proof(data: bytes) -> LogProof:
    """Return the proof in `data`, nothing verified. Raises: MalformedNote for any other form."""
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as err:
        raise MalformedNote("proof head is not ASCII") from err
    if not blank or lines.pop(0) != HEADER or not lines:
        raise MalformedNote(f"not a {HEADER}")
    extra = None
    if lines[0].startswith("extra "):
        extra = notes.decode_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise MalformedNote("no index line")
    index = notes.decimal(lines.pop(0).removeprefix("index "))
    proof = LogProof(index, tuple(_path_hash(line) for line in lines), checkpoint, extra)
    if len(proof.path) > PATH_LIMIT:
        raise MalformedNote("path too long")
    return proof


def verify_proof(
    proof: LogProof,
    leaf: bytes,
    *,
    log: VerifierKey,
    witnesses: Iterable[VerifierKey],
    verify: Verify,
) -> Checkpoint:
    """Return the checkpoint when the log and every witness signed it and it holds `leaf`.

    Raises: MalformedNote, SignatureRefused, merkle.ProofRefused.
    """
    note = notes.parse_note(proof.checkpoint)
    required = frozenset((log, *witnesses))
    missing = required - notes.verified_by(note, required, verify)
    if missing:
        raise notes.SignatureRefused(f"not signed by {sorted(key.name for key in missing)}")
    checkpoint = notes.parse_checkpoint(note.text)
    if checkpoint.origin != log.name:
        raise notes.SignatureRefused("the checkpoint is another log's")
    merkle.verify_inclusion(
        merkle.leaf_hash(leaf),
        index=proof.index,
        size=checkpoint.size,
        proof=proof.path,
        root=checkpoint.root,
    )
    return checkpoint


def _path_hash(line: str) -> bytes:
    value = notes.decode_base64(line)
    if len(value) != merkle.HASH_BYTES:
        raise MalformedNote("path hash is not 32 bytes")
    return value
