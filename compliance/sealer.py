"""The sealer: events into the Merkle log in commit order, a signed checkpoint, a witness over it.

Its own process, its own database role, its own key. Start at `seal_once`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compliance.bundle import LogSigner
from compliance.witness import Growth, StaleRequest, WitnessRefusal
from compliance.witness_http import WitnessUnreachable
from services.audit import merkle, notes
from services.audit.merkle import NodeId
from services.audit.notes import Checkpoint, Note, NoteSignature
from services.metrics import EVENTS_UNSEALED, LOG_SIZE, LOG_UNWITNESSED
from services.store import events, sealing
from services.store.roles import Acting
from services.store.store import Store

# Source: an event becomes a leaf within a second (design figure).
ROUND_EVERY_S: Final = 0.25
LEAVES_A_ROUND: Final = 5_000
ACTING: Final = Acting("system", "sealer", None)

AskWitness = Callable[[bytes, Growth], NoteSignature]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: leaves added, the log's size, how much of it the witness has seen."""

    added: int
    size: int
    witnessed: int


async def seal_once(store: Store, signer: LogSigner, ask: AskWitness, *, now: datetime) -> Round:
    """Seal what is committed, sign a checkpoint over it and have it cosigned.

    Raises:
        WitnessRefusal: the witness saw a rollback or a fork: stop and page someone.
    """
    sealed = await sealing.integrate(store, now=now, limit=LEAVES_A_ROUND)
    await sealing.checkpoint(store, _signed_by(signer), now=now)
    async with store.transaction(ACTING) as tx:
        witnessed = await events.cosigned_size(tx)
    if witnessed < sealed.size:
        witnessed = await _witness(store, ask, witnessed, sealed.size, now=now)
    return Round(sealed.added, sealed.size, witnessed)


def _signed_by(signer: LogSigner) -> sealing.Sign:
    def sign(size: int, root: bytes) -> bytes:
        text = Checkpoint(signer.key.name, size, root).text()
        return notes.format_note(Note(text, (notes.sign_text(text, signer.key, signer.sign),)))

    return sign


async def run(
    store: Store,
    signer: LogSigner,
    ask: AskWitness,
    *,
    clock: Callable[[], datetime],
    stopped: asyncio.Event,
) -> None:
    """Seal until told to stop, then once more, so that a stopped stack has no unsealed event."""
    while not stopped.is_set():
        await _observed_round(store, signer, ask, now=clock())
        try:
            await asyncio.wait_for(stopped.wait(), ROUND_EVERY_S)
        except TimeoutError:
            continue
    await _observed_round(store, signer, ask, now=clock())


async def _observed_round(
    store: Store, signer: LogSigner, ask: AskWitness, *, now: datetime
) -> None:
    done = await seal_once(store, signer, ask, now=now)
    count, _ = await sealing.waiting(store, now=now)
    LOG_SIZE.set(done.size)
    LOG_UNWITNESSED.set(done.size - done.witnessed)
    EVENTS_UNSEALED.set(count)


async def _witness(store: Store, ask: AskWitness, known: int, size: int, *, now: datetime) -> int:
    """Return the size that the witness has cosigned; unreachable, it stays as it was."""
    try:
        line = await _cosigned(store, ask, known, size)
    except StaleRequest as err:
        # The witness remembers more than our record of it: its answer was lost. Its word counts.
        line = await _cosigned(store, ask, err.size, size)
    except WitnessUnreachable as err:
        logger.warning("witness_unreachable", extra={"cause": str(err), "size": size})
        return known
    async with store.transaction(ACTING) as tx:
        await events.add_cosignature(tx, size, line.name, line.line(), now=now)
    return size


async def _cosigned(store: Store, ask: AskWitness, known: int, size: int) -> NoteSignature:
    async with store.transaction(ACTING) as tx:
        needed = merkle.nodes_needed(merkle.consistency_ranges(known, size))
        found = await events.nodes(tx, [(n.level, n.index) for n in needed])
        note = await events.newest_checkpoint(tx)
    if note is None or notes.parse_checkpoint(notes.parse_note(note).text).size != size:
        raise WitnessRefusal(f"there is no checkpoint over {size} leaves to cosign")

    def nodes(node_id: NodeId) -> bytes:
        return found[node_id.level, node_id.index]

    growth = Growth(known, merkle.consistency_proof(known, size, nodes))
    return await asyncio.to_thread(ask, note, growth)
