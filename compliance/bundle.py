"""Write an audit export that `verify.py` accepts, or refuse to write it.

The same events, checkpoint and request give the same bytes: nothing here reads a clock.
The format is described in `compliance/README.md`.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.audit import merkle, notes, proofs
from services.audit.actions import Action
from services.audit.canonical import CanonicalValue, canonical_bytes
from services.audit.event import AuditEvent, parse_leaf
from services.audit.notes import Checkpoint, Note, Sign, SignatureType, VerifierKey
from services.audit.proofs import LogProof

FORMAT: Final = "audit-export/1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"

# The verifier's rule: flat plus one folder, and nothing that a shell would treat specially.
_FILE_NAME: Final = re.compile(r"(proofs/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VERIFIER: Final = Path(__file__).with_name("verify.py")
_READ_ME: Final = """\
# Audit export

`events.ndjson` holds audit events exactly as they were logged; `leaf_hashes.bin` holds the hash of
every event of the log, so nothing could be left out of its tree unseen; `checkpoint.txt` is the
tree's root, signed by the log and cosigned by an independent witness.

    python verify.py . --policy YOUR_KEYS [--checkpoint ONE_THAT_YOU_HOLD]

needs Python 3.11 and the package `cryptography`. Use your own copy of `verify.py` and your own
policy file: those in here only show that the folder is whole. Exit status 0 means verified.
People are pseudonyms; codes that begin a cell of a .csv file with = + - @ are neutralised.
"""

Chunks = Iterable[bytes]


class CannotExport(ValueError):
    """The parts do not make a provable bundle. Nothing that was written may be handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are shown; None means every one. Times are aware UTC, half-open."""

    actions: tuple[Action, ...] | None = None
    patient_pseudonym: str | None = None
    actor_pseudonym: str | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None

    def fields(self) -> dict[str, CanonicalValue]:
        """Return the filter as the manifest states it: only what is set."""
        actions = None if self.actions is None else sorted(act.value for act in self.actions)
        fields: dict[str, CanonicalValue] = {
            "actions": actions,
            "patient_pseudonym": self.patient_pseudonym,
            "actor_pseudonym": self.actor_pseudonym,
            "from": _instant_text(self.occurred_from),
            "before": _instant_text(self.occurred_before),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def matches(self, event: AuditEvent) -> bool:
        """Say whether `event` is shown."""
        at = event.occurred_at
        return (
            (self.actions is None or event.action in self.actions)
            and self.patient_pseudonym in (None, event.patient_pseudonym)
            and self.actor_pseudonym in (None, event.actor_pseudonym)
            and (self.occurred_from is None or self.occurred_from <= at)
            and (self.occurred_before is None or at < self.occurred_before)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was asked for, by whom (a pseudonym), why, and under which witnessed checkpoint.

    `first`, `end`: leaf indices, half-open. `checkpoint`: the note's bytes with the cosignature.
    `policy`: the verifier keys as text (`policy_text`). `software`: name and version.
    """

    requester: str
    reason: str
    software: str
    shown: EventFilter
    first: int
    end: int
    checkpoint: bytes
    policy: str


@dataclass(frozen=True, slots=True)
class LogSigner:
    """The log's key; only the process that seals the log can make one."""

    key: VerifierKey
    sign: Sign


def policy_text(log: VerifierKey, witness: VerifierKey) -> str:
    """Return the C2SP policy: this log, cosigned by this witness."""
    if (log.kind, witness.kind) != (SignatureType.ED25519, SignatureType.COSIGNATURE):
        raise CannotExport("a policy needs a log's note key and a witness's cosignature key")
    return f"log {log.text()}\nwitness witness {witness.text()}\nquorum witness\n"


def proof_files(
    indices: Iterable[int], checkpoint_note: bytes, nodes: merkle.Nodes
) -> dict[str, Chunks]:
    """Return stand-alone proofs by file name, to be attached. Raises: merkle.OutOfRange."""
    size = notes.parse_checkpoint(notes.parse_note(checkpoint_note).text).size
    files: dict[str, Chunks] = {}
    for index in indices:
        path = merkle.inclusion_proof(index, size, nodes)
        text = proofs.format_proof(LogProof(index, path, checkpoint_note))
        files[f"proofs/{index}.tlog-proof"] = [text]
    return files


def write_bundle(
    directory: Path,
    export: Export,
    *,
    leaves: Iterable[tuple[int, bytes]],
    leaf_hashes: Iterable[bytes],
    attachments: Mapping[str, Chunks],
    signer: LogSigner,
) -> None:
    """Write the bundle into the empty or absent `directory`, the signature last.

    `leaves`: (index, exact leaf bytes) in log order, those that the filter shows and no other.
    `leaf_hashes`: of every leaf from 0 to the checkpoint's size, 32 bytes each. `attachments`:
    further files by name (AuditEvent.ndjson, events.csv, proofs/...). All are read once.

    Raises: CannotExport when the parts do not prove each other; FileExistsError; OSError.
    """
    checkpoint = notes.parse_checkpoint(notes.parse_note(export.checkpoint).text)
    if not 0 <= export.first <= export.end <= checkpoint.size:
        raise CannotExport("the range is outside the checkpoint's tree")
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty")
    counted = _Counted(export, leaves)
    written = _write_files(
        directory,
        {
            "README": [_READ_ME.encode()],
            "checkpoint.txt": [export.checkpoint],
            "events.ndjson": counted.lines(),
            "leaf_hashes.bin": _checked_hashes(leaf_hashes, checkpoint),
            "policy.txt": [export.policy.encode()],
            "verify.py": [_VERIFIER.read_bytes()],
        },
        attachments,
    )
    if not export.shown.fields() and counted.shown != export.end - export.first:
        raise CannotExport("events are missing from an export without a filter")
    manifest = canonical_bytes(_manifest(export, checkpoint, counted.shown, written))
    (directory / MANIFEST).write_bytes(manifest)
    (directory / SIGNATURE).write_bytes(sign_manifest(manifest, signer))


def sign_manifest(manifest: bytes, signer: LogSigner) -> bytes:
    """Return the signed note over a manifest's hash.

    Its text has two lines, so that it can never be read as a checkpoint, which has three.
    """
    text = f"{FORMAT}\n{MANIFEST} {hashlib.sha256(manifest).hexdigest()}\n"
    return notes.format_note(Note(text, (notes.sign_text(text, signer.key, signer.sign),)))


@dataclass(frozen=True, slots=True)
class _Written:
    sha256: str
    size_bytes: int
    lines: int


class _Counted:
    """Turns leaves into event lines and holds them to the export's range, order and filter."""

    def __init__(self, export: Export, leaves: Iterable[tuple[int, bytes]]) -> None:
        self.shown = 0
        self._export = export
        self._leaves = leaves

    def lines(self) -> Iterator[bytes]:
        last = self._export.first - 1
        for index, leaf in self._leaves:
            if not last < index < self._export.end:
                raise CannotExport(f"event {index} is out of order or range")
            if not self._export.shown.matches(parse_leaf(leaf)):
                raise CannotExport(f"event {index} does not match the filter")
            last = index
            self.shown += 1
            yield f'{{"index":{index},"leaf":"{notes.encode_base64(leaf)}"}}\n'.encode()


def _checked_hashes(leaf_hashes: Iterable[bytes], checkpoint: Checkpoint) -> Iterator[bytes]:
    tree = merkle.Tree()
    for value in leaf_hashes:
        tree.append(value)
        yield value
    if (tree.size, tree.root()) != (checkpoint.size, checkpoint.root):
        raise CannotExport("the leaf hashes are not the checkpoint's tree")


def _write_files(
    directory: Path, parts: Mapping[str, Chunks], attachments: Mapping[str, Chunks]
) -> dict[str, _Written]:
    clash = (parts.keys() | {MANIFEST, SIGNATURE}) & attachments.keys()
    if clash:
        raise CannotExport(f"attachments take the names {sorted(clash)}")
    files = {**parts, **attachments}
    for name in files:
        if _FILE_NAME.fullmatch(name) is None:
            raise CannotExport(f"{name!r} is not a file name that the format allows")
    if any(name.startswith("proofs/") for name in files):
        (directory / "proofs").mkdir()
    return {name: _write_file(directory / name, files[name]) for name in sorted(files)}


def _write_file(path: Path, chunks: Chunks) -> _Written:
    digest, size_bytes, lines = hashlib.sha256(), 0, 0
    with open(path, "xb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size_bytes += len(chunk)
            lines += chunk.count(b"\n")
    return _Written(digest.hexdigest(), size_bytes, lines)


def _manifest(
    export: Export, checkpoint: Checkpoint, shown: int, written: Mapping[str, _Written]
) -> CanonicalValue:
    return {
        "end": export.end,
        "events": shown,
        "files": [
            {"bytes": item.size_bytes, "name": name, "sha256": item.sha256}
            for name, item in sorted(written.items())
        ],
        "filter": export.shown.fields(),
        "first": export.first,
        "format": FORMAT,
        "lines": {name: item.lines for name, item in written.items() if name.endswith(".ndjson")},
        "origin": checkpoint.origin,
        "reason": export.reason,
        "requester": export.requester,
        "root": checkpoint.root.hex(),
        "software": export.software,
        "tree_size": checkpoint.size,
    }


def _instant_text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"
