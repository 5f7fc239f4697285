import pytest

from compliance import keys
from compliance.sealer import seal_once
from compliance.witness import Fork, Growth
from compliance.witness_http import WitnessUnreachable
from services.audit import merkle, notes
from services.audit.notes import NoteSignature
from services.clock import now
from services.settings import Settings
from services.store import Role, events
from services.store.roles import Acting
from tests.compliance.running_log import note_events, witness_of
from tests.stack import StoreFactory

SEALER = Acting("system", "sealer", None)


async def test_committed_events_become_leaves_under_a_cosigned_checkpoint(
    settings: Settings, store_factory: StoreFactory
) -> None:
    worker, sealer = await store_factory(Role.WORKER), await store_factory(Role.SEALER)
    signer, ask = keys.log_signer(settings), witness_of(settings)
    await note_events(worker, 5)
    first = await seal_once(sealer, signer, ask, now=now())
    await note_events(worker, 4)
    second = await seal_once(sealer, signer, ask, now=now())
    assert (first.added, first.size, first.witnessed) == (5, 5, 5)
    assert (second.added, second.size, second.witnessed) == (4, 9, 9)
    async with worker.transaction(Acting("auditor", "a", None)) as tx:
        assert await events.cosigned_size(tx) == 9


async def test_a_round_without_new_events_adds_nothing(
    settings: Settings, store_factory: StoreFactory
) -> None:
    worker, sealer = await store_factory(Role.WORKER), await store_factory(Role.SEALER)
    signer, ask = keys.log_signer(settings), witness_of(settings)
    await note_events(worker, 3)
    await seal_once(sealer, signer, ask, now=now())
    again = await seal_once(sealer, signer, ask, now=now())
    assert (again.added, again.size, again.witnessed) == (0, 3, 3)


async def test_without_a_witness_sealing_goes_on_and_the_gap_is_told(
    settings: Settings, store_factory: StoreFactory
) -> None:
    worker, sealer = await store_factory(Role.WORKER), await store_factory(Role.SEALER)
    signer, ask = keys.log_signer(settings), witness_of(settings)

    def away(note: bytes, growth: Growth) -> NoteSignature:
        raise WitnessUnreachable("no route")

    await note_events(worker, 3)
    alone = await seal_once(sealer, signer, away, now=now())
    assert (alone.size, alone.witnessed) == (3, 0)
    back = await seal_once(sealer, signer, ask, now=now())
    assert (back.size, back.witnessed) == (3, 3)


async def test_an_answer_of_the_witness_that_was_lost_is_caught_up(
    settings: Settings, store_factory: StoreFactory
) -> None:
    worker, sealer = await store_factory(Role.WORKER), await store_factory(Role.SEALER)
    signer, ask = keys.log_signer(settings), witness_of(settings)

    def answered_and_lost(note: bytes, growth: Growth) -> NoteSignature:
        ask(note, growth)
        raise WitnessUnreachable("the line broke")

    await note_events(worker, 3)
    await seal_once(sealer, signer, answered_and_lost, now=now())
    await note_events(worker, 2)
    caught_up = await seal_once(sealer, signer, ask, now=now())
    assert (caught_up.size, caught_up.witnessed) == (5, 5)


async def test_another_history_than_the_witness_saw_stops_the_sealer(
    settings: Settings, store_factory: StoreFactory
) -> None:
    worker, sealer = await store_factory(Role.WORKER), await store_factory(Role.SEALER)
    signer, ask = keys.log_signer(settings), witness_of(settings)
    elsewhere = merkle.NodeTable(merkle.leaf_hash(f"other {n}".encode()) for n in range(3))
    text = notes.Checkpoint(keys.LOG_NAME, 3, merkle.root_at(3, elsewhere)).text()
    other = notes.Note(text, (notes.sign_text(text, signer.key, signer.sign),))
    ask(notes.format_note(other), Growth(0, ()))
    await note_events(worker, 5)
    with pytest.raises(Fork):
        await seal_once(sealer, signer, ask, now=now())
