"""A sealer and a witness beside a test's own database: real ones, without their processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from compliance import keys, sealer
from compliance.sealer import AskWitness
from compliance.witness import Growth, Witness
from services.audit.actions import Action
from services.audit.notes import NoteSignature
from services.clock import now
from services.settings import Settings
from services.store import Role, Store
from services.store.roles import Acting


def witness_of(settings: Settings) -> AskWitness:
    """Return a way to ask a new witness whose memory is in the home of `settings`."""
    own = Witness.begin(keys.witness_keys(settings), settings.home / "memory", now=now())

    def ask(note: bytes, growth: Growth) -> NoteSignature:
        return own.cosign(note, growth, now=now())

    return ask


async def note_events(store: Store, count: int) -> None:
    """Commit one transaction for each of `count` acts."""
    for number in range(count):
        async with store.transaction(Acting("worker", "w", None)) as tx:
            await tx.event(
                Action.SYSTEM_STARTED, now=now(), subject_type="Process", subject_id=str(number)
            )


@asynccontextmanager
async def sealing(settings: Settings, ask: AskWitness) -> AsyncIterator[None]:
    """Run the sealer's loop for as long as the block lasts."""
    store = await Store.open(settings, Role.SEALER)
    stopped = asyncio.Event()
    running = asyncio.create_task(
        sealer.run(store, keys.log_signer(settings), ask, clock=now, stopped=stopped)
    )
    try:
        yield
    finally:
        stopped.set()
        await running
        await store.close()
