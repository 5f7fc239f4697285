"""De-identified research files: only patients who agree to research now, and each one's disclosure.

The disclosure is on record before the patient's data are read. A random subject id is made for each
export, so that two exports cannot be joined; it is kept nowhere.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from services.audit.actions import Action
from services.clinical.patient import ConsentPurpose, Snapshot
from services.clinical.research import DecidedReview, Lines, PatientRecord
from services.ids import new_id, new_secret
from services.settings import Settings
from services.store import assessments, consents, patients, readings, regimen, reviews
from services.store.errors import NotInRecord
from services.store.roles import Acting, Role
from services.store.store import Store
from services.store.transaction import Transaction

EVERY: Final = timedelta(days=7)
ALL: Final = 100_000
SUBJECT_BYTES: Final = 16


class NothingToExport(RuntimeError):
    """Nobody who agrees to research has anything to give; no file is written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and why; neither is in the file."""

    requester: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    patients: int


async def export(
    settings: Settings, asked: Asked, out: Path, lines: Lines, *, clock: Callable[[], datetime]
) -> Exported:
    """Write a research file with a line for each consenting patient who has something to give.

    Raises:
        FileExistsError: `out` is there already.
        FileNotFoundError: its folder is not: a name mistyped must not make one elsewhere.
        NothingToExport: there would be no line.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists: choose another name")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"{out.parent} is no folder: make it first")
    store = await Store.open(settings, Role.AUDITOR)
    try:
        found = await _lines(store, asked, lines, clock=clock)
    finally:
        await store.close()
    if not found:
        raise NothingToExport("nobody who agrees to research has anything to give")
    # By its random id: the order of enrolment would say something about who is who.
    found.sort(key=lambda line: str(line["subject"]))
    _write(out, (lines.header(), *found))
    return Exported(out, len(found))


def _write(out: Path, lines: Sequence[Mapping[str, object]]) -> None:
    """Write the file whole or not at all: half of it on a full disk would pass for a small one."""
    part = out.with_name(f".{out.name}.part")
    try:
        part.write_text("".join(json.dumps(dict(line)) + "\n" for line in lines))
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


async def _lines(
    store: Store, asked: Asked, lines: Lines, *, clock: Callable[[], datetime]
) -> list[Mapping[str, object]]:
    async with store.transaction(Acting("auditor", asked.requester, None)) as tx:
        everyone = [row.patient_id for row in await patients.list_for_clinician(tx)]
    export_id = new_id()
    found: list[Mapping[str, object]] = []
    for patient_id in everyone:
        line = await _line(store, asked, patient_id, lines, export_id=export_id, now=clock())
        if line is not None:
            found.append(
                {
                    "subject": new_secret(SUBJECT_BYTES).hex(),
                    "consent": ConsentPurpose.RESEARCH.value,
                    **line,
                }
            )
    return found


async def _line(
    store: Store,
    asked: Asked,
    patient_id: str,
    lines: Lines,
    *,
    export_id: str,
    now: datetime,
) -> Mapping[str, object] | None:
    """Return a patient's line, its disclosure noted; None: no consent, no key, or nothing."""
    try:
        async with store.transaction(Acting("auditor", asked.requester, patient_id)) as tx:
            if ConsentPurpose.RESEARCH not in await consents.current(tx, patient_id):
                return None
            line = lines.of(await _record(tx, patient_id, now=now))
            if line is not None:
                await _disclose(tx, asked, export_id, now=now)
            return line
    except NotInRecord:
        return None


async def _disclose(tx: Transaction, asked: Asked, export_id: str, *, now: datetime) -> None:
    """Log it in the transaction that read: a line without its event is never returned."""
    await tx.event(
        Action.DATA_EXPORTED,
        now=now,
        subject_type="ResearchExport",
        subject_id=export_id,
        payload={"reason": asked.reason},
    )


async def _record(tx: Transaction, patient_id: str, *, now: datetime) -> PatientRecord:
    enrolled_at = (await patients.get(tx, patient_id)).enrolled_at
    return PatientRecord(
        snapshots=await _snapshots(tx, patient_id),
        readings=await readings.between(tx, patient_id, enrolled_at - timedelta(days=365), now),
        changes=await regimen.changes(tx, patient_id),
        decided=await _decided(tx, patient_id),
    )


async def _snapshots(tx: Transaction, patient_id: str) -> tuple[Snapshot, ...]:
    """Return what assessments saw, oldest first, at most one a week."""
    found: list[Snapshot] = []
    for entry in reversed(await assessments.list_for(tx, patient_id, limit=ALL)):
        if not found or entry.made_at >= found[-1].as_of + EVERY:
            found.append((await assessments.document(tx, entry.assessment_id)).snapshot)
    return tuple(found)


async def _decided(tx: Transaction, patient_id: str) -> tuple[DecidedReview, ...]:
    """Return the clinicians' decisions with what each was about, oldest first."""
    found = []
    for review in await reviews.list_of(tx, patient_id):
        document = await assessments.document(tx, review.assessment_id)
        for decided in await reviews.decisions(tx, review.review_id):
            if decided.decided_at < document.snapshot.as_of:
                continue  # it was about an earlier proposal of this review, since replaced
            code = decided.body.reason_code
            found.append(DecidedReview(document.snapshot, document.assessment, decided.kind, code))
    return tuple(found)
