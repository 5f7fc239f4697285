"""The witness: it cosigns growth, remembers, and refuses every other history."""

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.witness import (
    ClockWentBack,
    Fork,
    Growth,
    MemoryLost,
    Rollback,
    StaleRequest,
    UnknownLog,
    Witness,
    WitnessKeys,
    WitnessRefusal,
)
from services.audit import merkle, notes
from services.audit.notes import Checkpoint, Note, SignatureType
from tests.compliance.sealed import (
    LOG,
    START,
    WITNESS,
    WITNESS_KEYS,
    hashes_of,
    leaves_of,
    log_note,
    with_line,
)
from tests.services.audit.keys import signing_key, verify

LEAVES = leaves_of(20)


def growth(old_size: int, leaves: list[bytes]) -> Growth:
    table = merkle.NodeTable(hashes_of(leaves))
    return Growth(old_size, merkle.consistency_proof(old_size, len(leaves), table))


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "witness"


@pytest.fixture
def witness(memory: Path) -> Witness:
    return Witness.begin(WITNESS_KEYS, memory, now=START)


def grow(witness: Witness, old_size: int, size: int) -> bytes:
    leaves = LEAVES[:size]
    note = log_note(leaves)
    return with_line(note, witness.cosign(note, growth(old_size, leaves), now=START))


def remembered(witness: Witness) -> Checkpoint:
    return notes.parse_checkpoint(notes.parse_note(witness.latest()).text)


def test_growth_is_cosigned_and_remembered(witness: Witness) -> None:
    old_size = 0
    for size in (0, 1, 5, 5, 8, 20):
        cosigned = notes.parse_note(grow(witness, old_size, size))
        keys = {LOG.public, WITNESS.public}
        assert notes.verified_by(cosigned, keys, verify) == keys
        assert notes.verified_by(notes.parse_note(witness.latest()), keys, verify) == keys
        assert remembered(witness).size == size
        old_size = size


def test_a_restart_remembers(witness: Witness, memory: Path) -> None:
    grow(witness, 0, 8)
    again = Witness(WITNESS_KEYS, memory)
    assert remembered(again).size == 8
    with pytest.raises(Rollback):
        again.cosign(log_note(LEAVES[:7]), Growth(8, ()), now=START)


def test_fewer_leaves_are_a_rollback(witness: Witness) -> None:
    grow(witness, 0, 8)
    with pytest.raises(Rollback):
        grow(witness, 0, 7)
    assert remembered(witness).size == 8


@pytest.mark.parametrize("size", [8, 9, 16, 20])
def test_another_history_is_a_fork(witness: Witness, size: int) -> None:
    grow(witness, 0, 8)
    other = [*LEAVES[:3], b"forged", *LEAVES[4:size]]
    with pytest.raises(Fork):
        witness.cosign(log_note(other), growth(8, other), now=START)
    assert remembered(witness).root == merkle.root_of(hashes_of(LEAVES[:8]))


def test_a_proof_from_another_size_is_answered_with_the_right_one(witness: Witness) -> None:
    grow(witness, 0, 8)
    with pytest.raises(StaleRequest) as refusal:
        grow(witness, 5, 12)
    assert refusal.value.size == 8
    grow(witness, refusal.value.size, 12)


@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_forged_proof_moves_the_memory(memory: Path, data: st.DataObject) -> None:
    memory.unlink(missing_ok=True)
    witness = Witness.begin(WITNESS_KEYS, memory, now=START)
    old_size = data.draw(st.integers(1, 12))
    grow(witness, 0, old_size)
    changed = data.draw(st.integers(0, old_size - 1))
    forged = list(LEAVES[: data.draw(st.integers(old_size, 20))])
    forged[changed] = b"forged"
    honest = growth(old_size, forged).hashes
    root = merkle.root_of(hashes_of(LEAVES[:old_size]))
    pool = [*honest, *hashes_of(LEAVES), root]
    hashes = data.draw(st.just(honest) | st.lists(st.sampled_from(pool), max_size=6))
    with pytest.raises(Fork):
        witness.cosign(log_note(forged), Growth(old_size, tuple(hashes)), now=START)
    assert remembered(witness).root == root


def test_the_log_must_have_signed_and_be_the_one_watched(witness: Witness) -> None:
    stranger = signing_key("stranger.example")
    text = Checkpoint(LOG.public.name, 1, hashes_of(LEAVES)[0]).text()
    extended = Checkpoint(LOG.public.name, 1, hashes_of(LEAVES)[0], ("more",)).text()
    unsigned = Note(text, (notes.sign_text(text, stranger.public, stranger.sign),))
    more = Note(extended, (notes.sign_text(extended, LOG.public, LOG.sign),))
    other_origin = Checkpoint("other.example", 1, hashes_of(LEAVES)[0]).text()
    other = Note(other_origin, (notes.sign_text(other_origin, LOG.public, LOG.sign),))
    no_checkpoint = Note("hello\n", (notes.sign_text("hello\n", LOG.public, LOG.sign),))
    for note in (unsigned, more, other, no_checkpoint):
        with pytest.raises(UnknownLog):
            witness.cosign(notes.format_note(note), Growth(0, ()), now=START)
    with pytest.raises(UnknownLog):
        witness.cosign(b"noise", Growth(0, ()), now=START)


def test_time_never_goes_back(witness: Witness) -> None:
    note = log_note(LEAVES[:3])
    witness.cosign(note, growth(0, LEAVES[:3]), now=START + timedelta(hours=1))
    with pytest.raises(ClockWentBack):
        witness.cosign(note, Growth(3, ()), now=START)
    later = START + timedelta(hours=2)
    assert notes.cosigned_at(witness.cosign(note, Growth(3, ()), now=later)) == later


def test_a_lost_or_changed_memory_stops_the_witness(witness: Witness, memory: Path) -> None:
    grow(witness, 0, 8)
    kept = memory.read_bytes()
    changed = kept.replace(b"\n8\n", b"\n7\n")
    assert changed != kept
    other = signing_key("witness.example/w2", SignatureType.COSIGNATURE)
    other_log = WitnessKeys(WITNESS.public, WITNESS.sign, signing_key("other").public, verify)
    for content in (changed, b"", log_note(LEAVES[:8])):
        memory.write_bytes(content)
        with pytest.raises(MemoryLost):
            grow(witness, 8, 9)
        with pytest.raises(MemoryLost):
            Witness(WITNESS_KEYS, memory)
    memory.write_bytes(kept)
    for keys in (other_log, WitnessKeys(other.public, other.sign, LOG.public, verify)):
        with pytest.raises(MemoryLost):
            Witness(keys, memory)
    memory.unlink()
    with pytest.raises(MemoryLost):
        grow(witness, 8, 9)


def test_a_memory_is_begun_once(witness: Witness, memory: Path) -> None:
    grow(witness, 0, 8)
    with pytest.raises(FileExistsError):
        Witness.begin(WITNESS_KEYS, memory, now=START)
    assert remembered(witness).size == 8


def test_a_crash_before_the_rename_leaves_the_old_memory(
    witness: Witness, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(witness, 0, 8)

    def crash(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        patch.setattr("compliance.witness.os.replace", crash)
        grow(witness, 8, 9)
    assert remembered(Witness(WITNESS_KEYS, memory)).size == 8
    grow(witness, 8, 9)


def _race(memory: Path, number: int) -> bool:
    forged = [*LEAVES[:8], f"branch {number}".encode()]
    try:
        Witness(WITNESS_KEYS, memory).cosign(log_note(forged), growth(8, forged), now=START)
    except WitnessRefusal:
        return False
    return True


def test_of_many_branches_at_once_one_is_cosigned(witness: Witness, memory: Path) -> None:
    grow(witness, 0, 8)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        won = pool.starmap(_race, [(memory, number) for number in range(12)])
    assert sum(won) == 1
