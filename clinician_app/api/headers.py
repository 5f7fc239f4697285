"""Who a patient is and how they stand, as every page shows it."""

from collections.abc import Iterable
from datetime import datetime

from clinician_app.api.bodies import DrugLine, EnvelopeLine, PatientHeader
from clinician_app.api.trend import target_out
from clinician_app.words import age_years, plain
from services.clinical.envelope import Envelope
from services.clinical.patient import Prescription, Snapshot
from services.clinical.units import format_dose
from services.store import Transaction, alarms, patients
from services.store.rows import Identity, PatientRow


async def read_header(
    tx: Transaction, snapshot: Snapshot, envelope: Envelope | None, *, now: datetime
) -> PatientHeader:
    """Return the header of the snapshot's patient."""
    patient_id = snapshot.patient_id
    row = await patients.get(tx, patient_id)
    identity = await patients.identity(tx, patient_id)
    open_alarms = await alarms.list_open(tx, patient_id)
    return header(row, identity, snapshot, envelope, open_alarms=len(open_alarms), now=now)


def header(
    row: PatientRow,
    identity: Identity,
    snapshot: Snapshot,
    envelope: Envelope | None,
    *,
    open_alarms: int,
    now: datetime,
) -> PatientHeader:
    """Return the header from what was read."""
    return PatientHeader(
        patient_id=row.patient_id,
        name=identity.name,
        age=age_years(snapshot.birth_date, now.date()),
        sex=snapshot.sex.value,
        birth_date=snapshot.birth_date,
        simulated=row.simulated,
        conditions=sorted(plain(condition.value) for condition in snapshot.conditions),
        regimen=drug_lines(snapshot.regimen),
        target=target_out(snapshot.target),
        halted=snapshot.halted,
        open_alarms=open_alarms,
        envelope=envelope_line(envelope),
    )


def drug_lines(prescriptions: Iterable[Prescription]) -> list[DrugLine]:
    """Return the regimen line by line."""
    return [
        DrugLine(
            drug=item.drug.value,
            daily_dose=format_dose(item.daily_dose_ug),
            daily_dose_ug=item.daily_dose_ug,
            times_a_day=item.times_a_day,
            since=item.since,
            tablets_in_hand=item.tablets_in_hand,
            paused=item.paused_since is not None,
        )
        for item in prescriptions
    ]


def envelope_line(envelope: Envelope | None) -> EnvelopeLine | None:
    """Return the envelope in a line; None when none was ever signed."""
    if envelope is None:
        return None
    return EnvelopeLine(
        stage=envelope.stage.value,
        version=envelope.version,
        expires_at=envelope.expires_at,
        signed_by=envelope.signed_by,
        revoked=envelope.revoked_at is not None,
    )
