"""The audit export: note the disclosure, wait for its seal, write the bundle. Start at `export`."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from compliance import attachments, keys
from compliance.attachments import IndexedEvent
from compliance.bundle import CannotExport, EventFilter, Export, policy_text, write_bundle
from compliance.verify import verify_bundle
from services.audit import merkle, notes
from services.audit.actions import Action
from services.audit.event import parse_leaf, pseudonym
from services.settings import Settings
from services.store import events, patients, resources
from services.store.errors import NotInRecord
from services.store.roles import Acting, Role
from services.store.store import Store
from services.store.transaction import Transaction

SOFTWARE: Final = "clinaiops 0.1.0"
# The sealer works four times a second; the witness answers in milliseconds.
SEAL_LIMIT_S: Final = 20.0
PROBE_EVERY_S: Final = 0.1


class NotSealed(RuntimeError):
    """No witnessed checkpoint covers what was asked for. Is the sealer running? See its log."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `at_size`: an earlier witnessed tree, to get the same bundle again."""

    requester: str
    reason: str
    patient_id: str | None = None
    actions: tuple[Action, ...] | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
    at_size: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: where, how many events are shown, and the size of the log."""

    directory: Path
    events: int
    tree_size: int


async def export(
    settings: Settings, request: Request, out: Path, *, clock: Callable[[], datetime]
) -> Written:
    """Write the bundle to the absent or empty folder `out`.

    The export is a disclosure: it is in the log before anything is read, and in its own bundle.

    Raises:
        FileExistsError: `out` holds something.
        NotSealed: no witnessed checkpoint covers it in time.
        CannotExport: what the record holds does not prove itself: treat it as tampered with.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: choose another folder")
    store = await Store.open(settings, Role.AUDITOR)
    try:
        event_id = await _disclose(store, request, now=clock())
        size = request.at_size or await _witnessed_size(store, event_id)
        return await _write(settings, store, request, out, size)
    finally:
        await store.close()


async def _disclose(store: Store, request: Request, *, now: datetime) -> str:
    """Log who exports what and why; the reason's text is in the manifest, not in the leaf."""
    async with store.transaction(_acting(request)) as tx:
        return await tx.event(
            Action.AUDIT_EXPORTED,
            now=now,
            subject_type="AuditExport",
            subject_id="all" if request.patient_id is None else "patient",
            patient_id=request.patient_id,
        )


async def _witnessed_size(store: Store, event_id: str) -> int:
    """Wait until a cosigned checkpoint covers the event; return its size."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + SEAL_LIMIT_S
    while loop.time() < limit:
        async with store.transaction(Acting("auditor", "export", None)) as tx:
            index = (await events.leaf_indices(tx, [event_id])).get(event_id)
            size = await events.cosigned_size(tx)
        if index is not None and size > index:
            return size
        await asyncio.sleep(PROBE_EVERY_S)
    raise NotSealed("the export's own event was not sealed and witnessed: is the stack running?")


async def _write(
    settings: Settings, store: Store, request: Request, out: Path, size: int
) -> Written:
    async with store.transaction(Acting("auditor", "export", None)) as tx:
        leaves = await events.leaves(tx, 0, size)
        checkpoint = await _checkpoint(tx, size)
        owners = await _owners(tx, request)
    provenance = [line for owner in owners for line in await _provenance(store, owner)]
    shown = _filter(store, request)
    parsed = ((index, leaf, parse_leaf(leaf)) for index, leaf in enumerate(leaves))
    chosen = [(index, leaf, event) for index, leaf, event in parsed if shown.matches(event)]
    indexed = [IndexedEvent(index, event) for index, _, event in chosen]
    described = Export(
        requester=request.requester,
        reason=request.reason,
        software=SOFTWARE,
        shown=shown,
        first=0,
        end=size,
        checkpoint=checkpoint,
        policy=policy_text(keys.log_key(settings), keys.witness_key(settings)),
    )
    # Written beside and renamed, so that a folder of this name is always a whole bundle.
    staged = out.with_name(f".{out.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.parent.mkdir(parents=True, exist_ok=True)
    write_bundle(
        staged,
        described,
        leaves=[(index, leaf) for index, leaf, _ in chosen],
        leaf_hashes=map(merkle.leaf_hash, leaves),
        attachments={
            "AuditEvent.ndjson": attachments.audit_events_ndjson(indexed),
            "Provenance.ndjson": provenance,
            "events.csv": attachments.events_csv(indexed),
            "report.pdf": [attachments.report_pdf(_facts(request, size, len(indexed)), indexed)],
        },
        signer=keys.log_signer(settings),
    )
    _require_whole(staged, described.policy)
    if out.exists():
        out.rmdir()
    staged.rename(out)
    return Written(out, len(indexed), size)


def _require_whole(directory: Path, policy: str) -> None:
    """Check the bundle as its reader will, before it has the name under which it is handed over.

    Raises:
        CannotExport: the offline verifier refuses it; what was refused stays beside for a look.
    """
    report = verify_bundle(directory, policy=policy.encode())
    if report.problem is not None:
        raise CannotExport(f"{directory} does not verify: {report.problem}")


async def _checkpoint(tx: Transaction, size: int) -> bytes:
    """Return the checkpoint note of this size with its cosignatures.

    Raises:
        NotSealed: there is no witnessed checkpoint of this size.
    """
    note = dict(await events.checkpoints(tx)).get(size)
    lines = await events.cosignatures(tx, size)
    if note is None or not lines:
        raise NotSealed(f"there is no witnessed checkpoint of {size} leaves")
    signed = notes.parse_note(note)
    cosigned = tuple(notes.parse_signature(line) for line in lines)
    return notes.format_note(notes.Note(signed.text, signed.signatures + cosigned))


async def _owners(tx: Transaction, request: Request) -> tuple[str, ...]:
    if request.patient_id is not None:
        return (request.patient_id,)
    return tuple(row.patient_id for row in await patients.list_for_clinician(tx))


async def _provenance(store: Store, patient_id: str) -> list[bytes]:
    """One line for each Provenance of a patient; none when the patient's key was destroyed."""
    try:
        async with store.transaction(Acting("auditor", "export", patient_id)) as tx:
            found = await resources.of_patient(tx, patient_id, "Provenance")
    except NotInRecord:
        return []
    return [resource.body + b"\n" for resource in found]


def _filter(store: Store, request: Request) -> EventFilter:
    patient = request.patient_id
    return EventFilter(
        actions=request.actions,
        patient_pseudonym=None if patient is None else pseudonym(store.pseudonym_key, patient),
        occurred_from=request.occurred_from,
        occurred_before=request.occurred_before,
    )


def _facts(request: Request, size: int, shown: int) -> dict[str, str]:
    return {
        "asked for by": request.requester,
        "reason": request.reason,
        "events shown": str(shown),
        "leaves in the log": str(size),
        "software": SOFTWARE,
    }


def _acting(request: Request) -> Acting:
    return Acting("auditor", request.requester, request.patient_id)
