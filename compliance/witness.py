"""The witness: a second memory with its own key, so that a stolen log key is not enough.

It remembers the largest tree that it has cosigned and cosigns another only with a proof that
nothing before was changed. It must run where whoever holds the log's key cannot write.

Source: C2SP tlog-witness (the checks of add-checkpoint), tlog-cosignature.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.audit import merkle, notes
from services.audit.merkle import ProofRefused
from services.audit.notes import Checkpoint, Note, NoteSignature, Sign, VerifierKey, Verify


class WitnessRefusal(Exception):
    """No cosignature was given. Every kind but StaleRequest and ClockWentBack must page someone."""


class UnknownLog(WitnessRefusal):
    """The checkpoint is not signed by the log that this witness watches."""


class Rollback(WitnessRefusal):
    """The log shows fewer leaves than it has shown before."""


class Fork(WitnessRefusal):
    """The log shows another history than it has shown before, or cannot prove that it does not."""


class StaleRequest(WitnessRefusal):
    """The proof starts at another size than the witness remembers: ask again from `size`."""

    def __init__(self, size: int) -> None:
        """Tell the size to start from, so that the caller can make the right proof."""
        super().__init__(f"the witness remembers {size} leaves")
        self.size = size


class ClockWentBack(WitnessRefusal):
    """`now` is before the last cosignature's time. Try again when the clock is right."""


class MemoryLost(Exception):
    """The memory is absent or was changed. A person decides; starting anew would hide a fork."""


@dataclass(frozen=True, slots=True)
class Growth:
    """RFC 6962 consistency proof from `old_size` leaves to the submitted checkpoint."""

    old_size: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WitnessKeys:
    """The witness's own cosignature key with its sign callable, and the log that it watches."""

    own: VerifierKey
    sign: Sign
    log: VerifierKey
    verify: Verify


class Witness:
    """Cosigns one log's checkpoints. Memory: a file holding the last cosigned checkpoint note."""

    def __init__(self, keys: WitnessKeys, memory: Path) -> None:
        """Open an existing memory. Raises: MemoryLost when it is absent or not the witness's own.

        MUST NOT be answered by `begin`: that is for the first start of a log only.
        """
        self._keys = keys
        self._memory = memory
        self.latest()

    @classmethod
    def begin(cls, keys: WitnessKeys, memory: Path, *, now: datetime) -> "Witness":
        """Start a memory for a log that has no leaf yet. Raises: FileExistsError."""
        text = Checkpoint(keys.log.name, 0, merkle.EMPTY_ROOT).text()
        signature = notes.cosign_text(text, keys.own, keys.sign, now=now)
        with _locked(memory):
            if memory.exists():
                raise FileExistsError(f"{memory} already holds a memory")
            _write_atomically(memory, notes.format_note(Note(text, (signature,))))
        return cls(keys, memory)

    def latest(self) -> bytes:
        """Return the note of the last cosigned checkpoint, for auditors to hold and compare.

        Raises: MemoryLost.
        """
        try:
            data = self._memory.read_bytes()
            note = notes.parse_note(data)
            notes.verified_by(note, [self._keys.own], self._keys.verify)
            origin = notes.parse_checkpoint(note.text).origin
        except (OSError, notes.MalformedNote, notes.SignatureRefused) as err:
            raise MemoryLost(f"{self._memory}: {err}") from err
        if origin != self._keys.log.name:
            raise MemoryLost(f"{self._memory}: remembers another log")
        return data

    def cosign(self, checkpoint_note: bytes, proof: Growth, *, now: datetime) -> NoteSignature:
        """Return the cosignature over a checkpoint that extends all that was cosigned before.

        The new checkpoint is on disk before this returns. `proof.old_size` is the size that the
        witness remembers; the same checkpoint may be cosigned again at a later time.

        Raises: UnknownLog, Rollback, Fork, StaleRequest, ClockWentBack, MemoryLost.
        """
        note, checkpoint = self._opened(checkpoint_note)
        with _locked(self._memory):
            known = notes.parse_note(self.latest())
            self._check_clock(known, now)
            _check_growth(notes.parse_checkpoint(known.text), checkpoint, proof)
            signature = notes.cosign_text(note.text, self._keys.own, self._keys.sign, now=now)
            lines = (*self._log_lines(note), signature)
            _write_atomically(self._memory, notes.format_note(Note(note.text, lines)))
        return signature

    def _opened(self, checkpoint_note: bytes) -> tuple[Note, Checkpoint]:
        try:
            note = notes.parse_note(checkpoint_note)
            notes.verified_by(note, [self._keys.log], self._keys.verify)
            checkpoint = notes.parse_checkpoint(note.text)
        except (notes.MalformedNote, notes.SignatureRefused) as err:
            raise UnknownLog(str(err)) from err
        if checkpoint.origin != self._keys.log.name or checkpoint.extensions:
            raise UnknownLog("another origin, or lines that nobody can audit")
        return note, checkpoint

    def _log_lines(self, note: Note) -> tuple[NoteSignature, ...]:
        log = self._keys.log
        lines = (
            item for item in note.signatures if (item.name, item.key_id) == (log.name, log.key_id)
        )
        return tuple(lines)[:1]

    def _check_clock(self, known: Note, now: datetime) -> None:
        own = self._keys.own
        for item in known.signatures:
            if (item.name, item.key_id) == (own.name, own.key_id):
                last = notes.cosigned_at(item)
                if now < last:
                    raise ClockWentBack(f"last cosigned at {last.isoformat()}")


def _check_growth(known: Checkpoint, submitted: Checkpoint, proof: Growth) -> None:
    if submitted.size < known.size:
        raise Rollback(f"{submitted.size} leaves, {known.size} were shown before")
    if proof.old_size != known.size:
        raise StaleRequest(known.size)
    try:
        merkle.verify_consistency(
            old_size=known.size,
            size=submitted.size,
            proof=proof.hashes,
            old_root=known.root,
            root=submitted.root,
        )
    except ProofRefused as err:
        raise Fork(f"from {known.size} to {submitted.size} leaves: {err}") from err


@contextmanager
def _locked(memory: Path) -> Iterator[None]:
    """Let one cosigning at a time, of any process, see and change the memory."""
    with open(memory.with_name(memory.name + ".lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_atomically(path: Path, data: bytes) -> None:
    """Replace the file so that a crash leaves the old or the new content, on disk."""
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
