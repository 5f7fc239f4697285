"""`python -m workflows worker | relay`: the composition root of the loops.

The only place of this folder that knows the store, the channels and the models.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from models.artifact import BadArtifact
from models.predict import FilterPredictor, ModelPredictor
from models.serving import Served
from services import clock, installed, notify, settings
from services.clinical.proposal import Predictor
from services.clinical.titration import Titrator
from services.metrics import WINDOWS_WAITING
from services.notify import Notice, People
from services.outbox_messages import Queue, recorded
from services.settings import Settings, SettingsError
from services.store import Acting, Role, Store, credentials, windows
from services.store.choices import ShadowRecords
from services.store.entries import MeasuredWindow, PendingWindow
from services.store.loop_outbox import LoopOutbox
from services.store.loop_records import LoopRecords
from services.store.on_call import CLINIC
from workflows.activities import IngestActivities, PagingActivities, RecordActivities
from workflows.process import (
    PortInUse,
    connect_when_up,
    log_to_stdout,
    serve_metrics,
    stop_on_signals,
    stopped_within,
)
from workflows.relay import Relay
from workflows.shadow import Shadow
from workflows.window_batches import WindowBatches, signal_process
from workflows.window_features import WaitingWindow, WindowResult, shows_irregular_rhythm
from workflows.workers import ASSESSED_AT_ONCE, make_workers, run_until

logger = logging.getLogger("workflows")

ACTING = Acting("worker", "worker", None)
PREDICTORS = ("filter", "model", "titrator")
METRICS_OFFSET = {"relay": 0, "worker": 1}
AFTER_A_DEFECT_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Run one process until it is told to stop; return its exit status."""
    chosen = parser().parse_args(arguments)
    log_to_stdout()
    try:
        loaded = settings.load()
        if chosen.command == "relay":
            return asyncio.run(_relay(loaded))
        return asyncio.run(_worker(loaded, chosen))
    except (BadArtifact, PortInUse, SettingsError) as err:
        print(f"{getattr(err, 'name', type(err).__name__)}: {err}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m workflows")
    commands = parser.add_subparsers(dest="command", required=True)
    worker = commands.add_parser("worker", help="run the loops and their activities")
    worker.add_argument("--predictor", choices=PREDICTORS, default="titrator")
    worker.add_argument(
        "--shadow", choices=("filter", "model"), help="ranks beside it and decides nothing"
    )
    worker.add_argument("--weights", type=Path, default=Path("var/models/run"))
    worker.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    worker.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    worker.add_argument(
        "--queue",
        action="append",
        type=Queue,
        choices=tuple(Queue),
        help="serve these alone, such as inference on a machine with a GPU; all when not given",
    )
    commands.add_parser("relay", help="deliver the outbox to the loops")
    return parser


@contextmanager
def serving(chosen: argparse.Namespace) -> Iterator[Predictor]:
    """Give the chosen predictor, verified; the titrator needs no serving, the others are bounded.

    Raises:
        BadArtifact: the trained model is refused.
    """
    if chosen.predictor == "titrator":
        yield Titrator()
        return
    served = Served(_ranker(chosen.predictor, chosen))
    try:
        yield served
    finally:
        served.close()


def _ranker(name: str, chosen: argparse.Namespace) -> FilterPredictor | ModelPredictor:
    if name == "filter":
        return FilterPredictor()
    # Torch takes seconds and memory, which every other worker saves.
    from models import accelerated

    return accelerated.load(chosen.weights, chosen.public_key, chosen.device)


async def _worker(loaded: Settings, chosen: argparse.Namespace) -> int:
    candidate = None if chosen.shadow is None else _ranker(chosen.shadow, chosen)
    with serving(chosen) as predictor:
        return await _work(loaded, chosen, predictor, candidate)


async def _work(
    loaded: Settings,
    chosen: argparse.Namespace,
    predictor: Predictor,
    candidate: Predictor | None,
) -> int:
    stop = stop_on_signals()
    # Each assessment waits for its ranking on a thread of its own.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(ASSESSED_AT_ONCE + 4))
    runtime = serve_metrics(loaded, METRICS_OFFSET["worker"])
    client = await connect_when_up(loaded, runtime, stop)
    if client is None:
        return 0
    store = await Store.open(loaded, Role.WORKER)
    batches = WindowBatches(StoreWindows(store), signal_process)
    shadow = None if candidate is None else Shadow(ShadowRecords(store), candidate, clock.now)
    beside = [] if shadow is None else [asyncio.ensure_future(shadow.run())]
    try:
        workers = make_workers(
            client,
            records=RecordActivities(LoopRecords(store), predictor, clock.now, shadow),
            paging=PagingActivities(
                StaffNotifier(store, notify.people(loaded), loaded.operator_address)
            ),
            ingest=IngestActivities(batches, clock.now),
            queues=frozenset(chosen.queue or Queue),
        )
        # Read at the start: packages exchanged later are not what this process has loaded.
        lock = installed.lock_sha256()
        logger.info("worker_started", extra={"predictor": chosen.predictor, "lock_sha256": lock})
        await run_until(workers, stop)
    finally:
        for task in beside:
            task.cancel()
        batches.close()
        await store.close()
    return 0


async def _relay(loaded: Settings) -> int:
    stop = stop_on_signals()
    runtime = serve_metrics(loaded, METRICS_OFFSET["relay"])
    client = await connect_when_up(loaded, runtime, stop)
    if client is None:
        return 0
    store = await Store.open(loaded, Role.WORKER)
    outbox = LoopOutbox(store)
    relay = Relay(outbox, client, clock.now)
    logger.info("relay_started")
    try:
        while not stop.is_set():
            await _relay_until_it_breaks(relay, stop)
    finally:
        await outbox.close()
        await store.close()
    return 0


async def _relay_until_it_breaks(relay: Relay, stop: asyncio.Event) -> None:
    try:
        await relay.run(stop)
    except Exception:
        # The edge of the process: a database that is away comes back, and so does the relay.
        # Undelivered messages raise the alert on clinaiops_outbox_waiting.
        logger.critical("relay_broke", exc_info=True)
        await stopped_within(stop, AFTER_A_DEFECT_S)


class StaffNotifier:
    """Reaches staff through `services.notify`; their username is where mail goes.

    `clinic_address` is told when there is nobody else.
    """

    def __init__(self, store: Store, people: People, clinic_address: str) -> None:
        self._store = store
        self._people = people
        self._clinic_address = clinic_address

    async def page(
        self, *, key: str, recipient_id: str, topic: str, about_id: str, urgent: bool
    ) -> None:
        """Send one notice. Raises NotReached when no channel took it."""
        notice = Notice(
            recipient_id=recipient_id,
            recipient_address=await self._address(recipient_id),
            urgency=f"urgent {topic}" if urgent else topic,
            reference=about_id,
            sent_at=clock.now(),
        )
        await self._people.reach(notice)

    async def _address(self, recipient_id: str) -> str:
        if recipient_id == CLINIC:
            return self._clinic_address
        async with self._store.transaction(ACTING) as tx:
            return (await credentials.clinician(tx, recipient_id)).username


class StoreWindows:
    """The record's waiting windows, as `WindowBatches` takes them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._claimed: dict[str, PendingWindow] = {}

    async def claim(
        self, *, limit: int, lease_s: float, now: datetime
    ) -> tuple[WaitingWindow, ...]:
        """Take windows with their samples opened."""
        async with self._store.transaction(ACTING) as tx:
            claimed = await windows.claim(tx, limit=limit, lease_s=lease_s, now=now)
            WINDOWS_WAITING.set(await windows.pending_count(tx))
        self._claimed = {window.window_id: window for window in claimed}
        return tuple(_waiting(window) for window in claimed)

    async def count(self) -> int:
        """Return how many windows wait."""
        async with self._store.transaction(ACTING) as tx:
            return await windows.pending_count(tx)

    async def complete(
        self, taken: Sequence[WaitingWindow], results: Sequence[WindowResult], *, now: datetime
    ) -> int:
        """Keep the features; wake the loop of whoever shows an irregular rhythm."""
        measured = [
            MeasuredWindow(
                self._claimed[result.window_id],
                dict(result.features),
                result.grade,
                result.feature_version,
            )
            for result in results
        ]
        flagged = {
            self._claimed[result.window_id].patient_id
            for result in results
            if shows_irregular_rhythm(result)
        }
        async with self._store.transaction(ACTING) as tx:
            completed = await windows.complete_all(tx, measured, now=now)
            for patient_id in sorted(flagged):
                await tx.send(recorded(patient_id, "irregular_rhythm"), now=now)
        return completed


def _waiting(window: PendingWindow) -> WaitingWindow:
    return WaitingWindow(
        window_id=window.window_id,
        patient_id=window.patient_id,
        signal=window.signal,
        rate_hz=window.rate_hz,
        unit=window.unit,
        started_at=window.started_at,
        clock_id=window.clock_id,
        samples=window.samples,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
