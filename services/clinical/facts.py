"""Facts: a snapshot, a proposal and an envelope flattened to whole numbers, options and booleans.

Everything that a rule reads is here and nothing else is; None is "not known". Tuples are indexed
by the order of their enum: `before`, `after`, `paused`, `intolerant` by `Drug`, `condition` by
`Condition`, `medicine` by `OtherMedicineKind`, `symptom` by `Symptom`, `stop` by `StopCondition`.
NamedTuples, because a frozen dataclass of this width takes ten times as long to make.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum
from typing import NamedTuple, TypeVar

from services.clinical.envelope import Envelope, Stage, StopCondition
from services.clinical.history import History, in_order, read_history
from services.clinical.laboratory import Laboratory, read_laboratory
from services.clinical.move_facts import DRUG_PLACE as DRUG_PLACE
from services.clinical.move_facts import DRUGS as DRUGS
from services.clinical.move_facts import MoveFacts as MoveFacts
from services.clinical.move_facts import read_move as read_move
from services.clinical.patient import (
    Condition,
    ConsentPurpose,
    OtherMedicineKind,
    Pregnancy,
    Sex,
    Snapshot,
    Symptom,
)
from services.clinical.proposal import Proposal
from services.clinical.readings import CLOCK_AHEAD
from services.clinical.regimen import age_years

CONDITIONS: tuple[Condition, ...] = tuple(Condition)
MEDICINES: tuple[OtherMedicineKind, ...] = tuple(OtherMedicineKind)
SYMPTOMS: tuple[Symptom, ...] = tuple(Symptom)
STOPS: tuple[StopCondition, ...] = tuple(StopCondition)
STAGES: tuple[Stage, ...] = tuple(Stage)

_CONDITION_PLACE = {item: place for place, item in enumerate(CONDITIONS)}
_MEDICINE_PLACE = {item: place for place, item in enumerate(MEDICINES)}
_SYMPTOM_PLACE = {item: place for place, item in enumerate(SYMPTOMS)}
_STOP_PLACE = {item: place for place, item in enumerate(STOPS)}
E = TypeVar("E", bound=Enum)

_PREGNANCY_RISK = {
    Pregnancy.PREGNANT: 1,
    Pregnancy.TRYING: 1,
    Pregnancy.POSSIBLE: 1,
    Pregnancy.NOT_PREGNANT: 0,
    Pregnancy.NOT_APPLICABLE: 0,
}
_FEMALE = {Sex.FEMALE: 1, Sex.MALE: 0, Sex.UNKNOWN: None}


class PersonFacts(NamedTuple):
    """What is so of the patient, whatever move is asked for. Pressures are tenths of mmHg."""

    deceased: bool
    consented: bool
    halted: bool
    open_alarm: bool
    snapshot_inconsistent: bool
    regimen_conflict: bool
    female: int | None
    age: int | None
    pregnancy_risk: int | None
    conditions_known: bool
    medicines_known: bool
    intolerances_known: bool
    condition: tuple[bool, ...]
    medicine: tuple[bool, ...]
    intolerant: tuple[bool, ...]
    symptom: tuple[bool, ...]
    drug_count: int
    before: tuple[int, ...]
    target_systolic: int | None
    target_diastolic: int | None
    adherence_percent: int | None


class EnvelopeFacts(NamedTuple):
    """What the envelope says; None throughout when there is none."""

    envelope_present: bool
    envelope_signed: bool
    envelope_revoked: bool
    envelope_started: bool
    envelope_expired: bool
    envelope_of_other: bool
    envelope_days: int | None
    stage: int | None
    steps_used: int
    envelope_steps: int | None
    envelope_rungs: int | None
    envelope_interval_days: int | None
    envelope_potassium_below: int | None
    envelope_egfr_at_least: int | None
    envelope_lab_age_days: int | None
    envelope_certainty: int | None
    envelope_allows_80: bool
    envelope_second_signature: bool
    envelope_target_differs: bool
    stop: tuple[bool, ...]


class Person(NamedTuple):
    """All facts that do not depend on the move; read once for all the moves of an assessment."""

    person: PersonFacts
    history: History
    laboratory: Laboratory
    envelope: EnvelopeFacts


class Facts(NamedTuple):
    """All facts of one judgement."""

    person: PersonFacts
    history: History
    laboratory: Laboratory
    envelope: EnvelopeFacts
    move: MoveFacts


def facts(
    snapshot: Snapshot, proposal: Proposal, envelope: Envelope | None, now: datetime
) -> Facts:
    """Return the facts of one judgement."""
    return Facts(
        *read_person(snapshot, envelope, now), read_move(snapshot, proposal, envelope, now)
    )


def read_person(snapshot: Snapshot, envelope: Envelope | None, now: datetime) -> Person:
    """Return the facts that do not depend on the move."""
    ordered = in_order(snapshot.readings)
    return Person(
        _person(snapshot, now, ordered[-1].taken_at if ordered else None),
        read_history(snapshot, now, ordered),
        read_laboratory(snapshot, now),
        _envelope(snapshot, envelope, now),
    )


def _person(snapshot: Snapshot, now: datetime, last_reading_at: datetime | None) -> PersonFacts:
    before = [0] * len(DRUGS)
    for item in snapshot.regimen:
        if item.paused_since is None:
            before[DRUG_PLACE[item.drug]] = item.daily_dose_ug
    target, adherence = snapshot.target, snapshot.adherence
    risk = None if snapshot.pregnancy is None else _PREGNANCY_RISK[snapshot.pregnancy]
    return PersonFacts(
        deceased=snapshot.deceased,
        consented=ConsentPurpose.TITRATION in snapshot.consent,
        halted=snapshot.halted,
        open_alarm=snapshot.open_alarm,
        snapshot_inconsistent=_inconsistent(snapshot, now, last_reading_at),
        regimen_conflict=len({item.drug for item in snapshot.regimen}) != len(snapshot.regimen),
        female=_FEMALE[snapshot.sex],
        age=None if snapshot.birth_date is None else age_years(snapshot.birth_date, now.date()),
        pregnancy_risk=risk,
        conditions_known=snapshot.conditions_complete,
        medicines_known=snapshot.medicines_complete,
        intolerances_known=snapshot.intolerances_complete,
        condition=_marked(snapshot.conditions, _CONDITION_PLACE),
        medicine=_marked([item.kind for item in snapshot.other_medicines], _MEDICINE_PLACE),
        intolerant=_marked([item.drug for item in snapshot.intolerances], DRUG_PLACE),
        symptom=_marked([r.symptom for r in snapshot.symptoms if r.open], _SYMPTOM_PLACE),
        drug_count=len(snapshot.regimen)
        + sum(item.antihypertensive for item in snapshot.other_medicines),
        before=tuple(before),
        target_systolic=None if target is None else 10 * target.systolic_below_mmhg,
        target_diastolic=None if target is None else 10 * target.diastolic_below_mmhg,
        adherence_percent=None
        if adherence is None or adherence.due <= 0
        else 100 * adherence.taken // adherence.due,
    )


def _marked(members: Collection[E], places: Mapping[E, int]) -> tuple[bool, ...]:
    """Return which of the places are taken."""
    marks = [False] * len(places)
    for member in members:
        marks[places[member]] = True
    return tuple(marks)


def _inconsistent(snapshot: Snapshot, now: datetime, last_reading_at: datetime | None) -> bool:
    """Say whether the snapshot is of the future or older than its own readings and labs.

    Readings have the tolerance of a clock that runs ahead.
    """
    as_of = snapshot.as_of
    return (
        as_of > now
        or (last_reading_at is not None and last_reading_at > as_of + CLOCK_AHEAD)
        or any([result.taken_at > as_of for result in snapshot.labs])
    )


_NO_ENVELOPE = EnvelopeFacts(
    envelope_present=False,
    envelope_signed=False,
    envelope_revoked=False,
    envelope_started=False,
    envelope_expired=False,
    envelope_of_other=False,
    envelope_days=None,
    stage=None,
    steps_used=0,
    envelope_steps=None,
    envelope_rungs=None,
    envelope_interval_days=None,
    envelope_potassium_below=None,
    envelope_egfr_at_least=None,
    envelope_lab_age_days=None,
    envelope_certainty=None,
    envelope_allows_80=False,
    envelope_second_signature=False,
    envelope_target_differs=False,
    stop=(False,) * len(STOPS),
)


def _envelope(snapshot: Snapshot, envelope: Envelope | None, now: datetime) -> EnvelopeFacts:
    if envelope is None:
        return _NO_ENVELOPE
    return EnvelopeFacts(
        envelope_present=True,
        envelope_signed=envelope.signed_by is not None and envelope.signed_at is not None,
        envelope_revoked=envelope.revoked_at is not None and envelope.revoked_at <= now,
        envelope_started=envelope.valid_from <= now,
        envelope_expired=envelope.expires_at <= now,
        envelope_of_other=envelope.patient_id != snapshot.patient_id,
        envelope_days=(envelope.expires_at - envelope.valid_from).days,
        stage=STAGES.index(envelope.stage),
        steps_used=steps_used(snapshot, envelope),
        envelope_steps=envelope.steps_allowed,
        envelope_rungs=envelope.max_step_rungs,
        envelope_interval_days=envelope.min_interval_days,
        envelope_potassium_below=envelope.potassium_below_thousandths,
        envelope_egfr_at_least=envelope.egfr_at_least_thousandths,
        envelope_lab_age_days=envelope.lab_max_age_days,
        envelope_certainty=envelope.confidence_floor_percent,
        envelope_allows_80=envelope.allow_age_80_and_over,
        envelope_second_signature=envelope.second_signed_by is not None
        and envelope.second_signed_by != envelope.signed_by,
        envelope_target_differs=envelope.target != snapshot.target,
        stop=_marked(envelope.stop_conditions, _STOP_PLACE),
    )


def steps_used(snapshot: Snapshot, envelope: Envelope) -> int:
    """Return how many steps the patient took under this envelope."""
    return sum(
        change.by_patient and change.envelope_id == envelope.envelope_id
        for change in snapshot.changes
    )
