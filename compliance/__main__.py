"""`python -m compliance COMMAND`: exports, research files, verifying, sealer and witness."""

import argparse
import asyncio
import contextlib
import logging
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from prometheus_client import start_http_server

from compliance import cohort, keys, replay, sealer, verify
from compliance.bundle import CannotExport
from compliance.export import NotSealed, Request, export
from compliance.witness import MemoryLost, Witness, WitnessRefusal
from compliance.witness_http import WitnessServer, ask
from services.audit.actions import Action
from services.clinical.proposal import Predictor
from services.clinical.research import Lines
from services.clock import now
from services.ids import new_id
from services.notify import Notice, people
from services.settings import Settings, SettingsError, load
from services.store import assessments, cluster
from services.store.errors import NotInRecord, VaultError
from services.store.roles import Acting, Role
from services.store.store import Store

logger = logging.getLogger("compliance")
REFUSALS = (
    *(SettingsError, NotSealed, CannotExport, FileExistsError, FileNotFoundError, MemoryLost),
    *(cohort.NothingToExport, replay.NoRanker, NotInRecord, VaultError),
    cluster.ClusterError,
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status, with a message that says what to do."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if arguments[:1] == ["verify"]:
        return verify.main(list(arguments[1:]))
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(load(), options))
    except REFUSALS as err:
        print(err, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compliance", description=__doc__)
    commands = parser.add_subparsers(required=True)
    exporting = commands.add_parser("export", help="write an audit bundle that anyone can verify")
    exporting.set_defaults(run=_export)
    exporting.add_argument("--out", type=Path, required=True, help="an absent or empty folder")
    exporting.add_argument("--requester", default=pwd.getpwuid(os.getuid()).pw_name)
    exporting.add_argument("--reason", default="audit")
    exporting.add_argument("--patient", help="only events of this patient id")
    exporting.add_argument("--action", action="append", type=Action, help="may be repeated")
    exporting.add_argument("--from", dest="occurred_from", type=_moment, help="with UTC offset")
    exporting.add_argument("--before", dest="occurred_before", type=_moment)
    exporting.add_argument("--at-size", type=int, help="an earlier witnessed size of the log")
    for name, text in (
        ("cohort", "write de-identified windows, for training the outcome model"),
        ("decisions", "write de-identified decisions, for the agreement model alone"),
    ):
        research = commands.add_parser(name, help=text)
        research.set_defaults(run=_research, kind=name)
        research.add_argument("--out", type=Path, required=True, help="a file that is not there")
        research.add_argument("--requester", default=pwd.getpwuid(os.getuid()).pw_name)
        research.add_argument("--reason", default="training")
    again = commands.add_parser("replay", help="make recorded decisions of a patient again")
    again.set_defaults(run=_replay)
    again.add_argument("--patient", required=True)
    again.add_argument("--assessment", help="one alone; all of the patient's when not given")
    again.add_argument("--weights", type=Path, help="of the trained model, if it ranked")
    again.add_argument("--public-key", type=Path, default=Path("var/models/signing.pub"))
    commands.add_parser("verify", help="check a bundle offline; see verify --help")
    for name, run, text in (
        ("sealer", _sealer, "seal events into the log until stopped"),
        ("witness", _witness, "cosign the log's checkpoints until stopped"),
        ("begin-witness", _begin_witness, "start the witness's memory for a new, empty log"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its UTC offset, such as 2026-03-01T00:00+00:00")
    return moment


def _export(settings: Settings, options: argparse.Namespace) -> int:
    request = Request(
        requester=options.requester,
        reason=options.reason,
        patient_id=options.patient,
        actions=None if options.action is None else tuple(options.action),
        occurred_from=options.occurred_from,
        occurred_before=options.occurred_before,
        at_size=options.at_size,
    )
    with contextlib.ExitStack() as stack:
        if not cluster.answers(settings):
            # A stopped stack: its database and one round of its sealer are started for this.
            stack.enter_context(cluster.running(settings))
            stack.enter_context(_beside("witness"))
            stack.enter_context(_beside("sealer"))
        written = asyncio.run(export(settings, request, options.out, clock=now))
    print(f"{written.events} events of a log of {written.tree_size} in {written.directory}")
    print(f"check it: python {written.directory}/verify.py {written.directory}")
    return 0


def _research(settings: Settings, options: argparse.Namespace) -> int:
    # Here, so that the sealer and the witness do not carry numpy and scipy with them.
    from models.decisions import DecisionLines
    from models.record_windows import RecordWindows

    lines: Lines = RecordWindows() if options.kind == "cohort" else DecisionLines()
    asked = cohort.Asked(options.requester, options.reason)
    with contextlib.ExitStack() as stack:
        if not cluster.answers(settings):
            stack.enter_context(cluster.running(settings))
        writing = cohort.export(settings, asked, options.out, lines, clock=now)
        written = asyncio.run(writing)
    print(f"{written.patients} patients who agree to research in {written.path}")
    return 0


def _replay(settings: Settings, options: argparse.Namespace) -> int:
    from models import rankers
    from models.artifact import BadArtifact

    def ranker(model_id: str, version: str) -> Predictor:
        try:
            found = rankers.named(model_id, version, options.weights, options.public_key)
        except BadArtifact as err:
            raise replay.NoRanker(f"{model_id} {version}: weights refused: {err}") from err
        if found is None:
            raise replay.NoRanker(f"{model_id} {version} is not at hand: give its --weights")
        return found

    with contextlib.ExitStack() as stack:
        if not cluster.answers(settings):
            stack.enter_context(cluster.running(settings))
        found = asyncio.run(_replayed(settings, options, ranker))
    refused = [one for one in found if one.differing]
    for one in refused:
        print(f"{_not_as_recorded(one)}: {', '.join(one.differing)}", file=sys.stderr)
    print(f"{len(found) - len(refused)} of {len(found)} decisions come out as recorded")
    counts = ((sum(one.lock == lock for one in found), lock) for lock in replay.LOCKS)
    print("made on this lock or not: " + ", ".join(f"{count} {lock}" for count, lock in counts))
    return 1 if refused else 0


def _not_as_recorded(one: replay.Replayed) -> str:
    """Say what else than the program may be the cause: another lock promises nothing."""
    said = f"{one.assessment_id}: not as recorded"
    if one.lock == "another":
        return f"{said}, and made on another lock ({one.made_on}, here {one.again_on})"
    return said if one.lock == "same" else f"{said}, and made on an unknown lock"


async def _replayed(
    settings: Settings, options: argparse.Namespace, ranker: replay.Rankers
) -> list[replay.Replayed]:
    store = await Store.open(settings, Role.AUDITOR)
    try:
        async with store.transaction(Acting("auditor", "replay", options.patient)) as tx:
            if options.assessment is not None:
                chosen = [options.assessment]
            else:
                every = await assessments.list_for(tx, options.patient, limit=100_000)
                chosen = [entry.assessment_id for entry in every]
            await tx.event(
                Action.RECORD_READ, now=now(), subject_type="Replay", subject_id=options.patient
            )
            return [await replay.replay(tx, options.patient, one, ranker) for one in chosen]
    finally:
        await store.close()


def _sealer(settings: Settings, _: argparse.Namespace) -> int:
    start_http_server(settings.metrics_port_base + 2, addr=settings.bind_host)
    try:
        asyncio.run(_seal_until_stopped(settings))
    except WitnessRefusal as err:
        logger.critical("witness_refused", extra={"cause": type(err).__name__})
        print(f"the witness refused: {type(err).__name__}: {err}", file=sys.stderr)
        asyncio.run(_page_operator(settings))
        return 3
    return 0


async def _seal_until_stopped(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    store = await Store.open(settings, Role.SEALER)
    try:
        asking = partial(ask, settings.witness_url)
        await sealer.run(store, keys.log_signer(settings), asking, clock=now, stopped=stopped)
    finally:
        await store.close()


async def _page_operator(settings: Settings) -> None:
    await people(settings).reach(
        Notice(
            recipient_id="operator",
            recipient_address=settings.operator_address,
            urgency="log tampering suspected",
            reference=new_id(),
            sent_at=now(),
        )
    )


def _witness(settings: Settings, _: argparse.Namespace) -> int:
    server = _witness_server(settings)
    # shutdown() must not be called from the thread that serves, which is this one.
    signal.signal(signal.SIGTERM, _raise_interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    server.server_close()
    return 0


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _begin_witness(settings: Settings, _: argparse.Namespace) -> int:
    memory = _memory(settings)
    memory.parent.mkdir(parents=True, exist_ok=True)
    Witness.begin(keys.witness_keys(settings), memory, now=now())
    print(f"the witness remembers an empty log in {memory}")
    return 0


def _witness_server(settings: Settings) -> WitnessServer:
    own = Witness(keys.witness_keys(settings), _memory(settings))
    return WitnessServer((settings.bind_host, settings.witness_port), own, now)


def _memory(settings: Settings) -> Path:
    return settings.home / "witness" / "memory"


@contextlib.contextmanager
def _beside(command: str) -> Iterator[None]:
    """Run one of our own long-running commands for as long as the block lasts."""
    process = subprocess.Popen([sys.executable, "-m", "compliance", command])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
