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
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.history import History, read_history
from services.clinical.laboratory import Laboratory, read_laboratory
from services.clinical.moves import DoseChange, Move, MoveKind, Path, is_well_formed
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
from services.clinical.regimen import age_years

DRUGS: tuple[Drug, ...] = tuple(Drug)
DRUG_PLACE = {drug: place for place, drug in enumerate(DRUGS)}
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


class MoveFacts(NamedTuple):
    """What the proposal asks for. Doses are daily, in micrograms."""

    after: tuple[int, ...]
    paused: tuple[bool, ...]
    """On order and not taken once the move is made."""
    keep: bool
    pauses: bool
    resumes: bool
    swaps: bool
    swap_stronger: bool
    alone: bool
    """The patient's path, not signed by a clinician."""
    decided: bool
    malformed: bool
    mismatch: bool
    wrong_patient: bool
    drugs_changed: int
    rungs_raised: int
    rungs_lowered: int
    proposal_age_days: int
    certainty_percent: int | None
    abstained: bool
    outside_bounds: bool
    supply_days: int | None


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
    return Person(
        _person(snapshot, now),
        read_history(snapshot, now),
        read_laboratory(snapshot, now),
        _envelope(snapshot, envelope, now),
    )


def _person(snapshot: Snapshot, now: datetime) -> PersonFacts:
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
        snapshot_inconsistent=_inconsistent(snapshot, now),
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


def _inconsistent(snapshot: Snapshot, now: datetime) -> bool:
    """Say whether the snapshot is of the future or older than its own readings and labs."""
    as_of = snapshot.as_of
    return (
        as_of > now
        or any([reading.taken_at > as_of for reading in snapshot.readings])
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


def read_move(
    snapshot: Snapshot, proposal: Proposal, envelope: Envelope | None, now: datetime
) -> MoveFacts:
    """Return the facts of the move."""
    move, ranking = proposal.move, proposal.ranking
    after, paused, mismatch = _apply(snapshot, move)
    raised, lowered = _rungs(move)
    alone = proposal.path is Path.PATIENT and not proposal.decided_by_clinician
    return MoveFacts(
        after=after,
        paused=paused,
        keep=move.kind is MoveKind.KEEP,
        pauses=move.kind is MoveKind.PAUSE,
        resumes=move.kind is MoveKind.RESUME,
        swaps=move.kind is MoveKind.SWAP,
        swap_stronger=move.kind is MoveKind.SWAP and _swap_is_stronger(move),
        alone=alone,
        decided=proposal.decided_by_clinician,
        malformed=not is_well_formed(move),
        mismatch=mismatch,
        wrong_patient=proposal.patient_id != snapshot.patient_id,
        drugs_changed=len(move.changes),
        rungs_raised=raised,
        rungs_lowered=lowered,
        proposal_age_days=(now - proposal.made_at).days,
        certainty_percent=None if ranking is None else ranking.certainty_percent,
        abstained=ranking is None or ranking.abstained is not None,
        outside_bounds=_outside_bounds(move, envelope),
        supply_days=_supply_days(snapshot, move) if alone else None,
    )


def _apply(snapshot: Snapshot, move: Move) -> tuple[tuple[int, ...], tuple[bool, ...], bool]:
    """Return doses and pauses once the move is made, and whether it misreads the regimen."""
    after, paused = [0] * len(DRUGS), [False] * len(DRUGS)
    ordered = [0] * len(DRUGS)
    for item in snapshot.regimen:
        place = DRUG_PLACE[item.drug]
        ordered[place] = item.daily_dose_ug
        if item.paused_since is None:
            after[place] = item.daily_dose_ug
        else:
            paused[place] = True
    mismatch = False
    for change in move.changes:
        place = DRUG_PLACE[change.drug]
        resumes = move.kind is MoveKind.RESUME
        # A paused drug is taken up again by RESUME at its ordered dose, or stopped; never started.
        mismatch |= change.from_ug != after[place] or paused[place] is not resumes
        mismatch |= resumes and change.to_ug != ordered[place]
        after[place] = change.to_ug
        paused[place] = move.kind is MoveKind.PAUSE
    return tuple(after), tuple(paused), mismatch


def _rungs(move: Move) -> tuple[int, int]:
    """Return rungs raised and lowered in total; a start counts one, plus what lies above it.

    PAUSE and RESUME count none: what they may do is a matter of other rules. From or to a dose off
    the ladder it is far.
    """
    raised = lowered = 0
    if move.kind in (MoveKind.PAUSE, MoveKind.RESUME):
        return 0, 0
    for change in move.changes:
        if change.to_ug > change.from_ug:
            raised += _distance_up(change)
        elif change.to_ug < change.from_ug:
            lowered += _distance_down(change)
    return raised, lowered


def _distance_up(change: DoseChange) -> int:
    places = _LADDER_PLACES[change.drug]
    to_place = places.get(change.to_ug, _FAR)
    if change.from_ug == 0:
        return max(1, to_place - _START_PLACES[change.drug] + 1)
    return to_place - places[change.from_ug] if change.from_ug in places else _FAR


def _distance_down(change: DoseChange) -> int:
    """Return the rungs down to the new dose; nothing lies one rung under the lowest."""
    places = _LADDER_PLACES[change.drug]
    to_place = -1 if change.to_ug == 0 else places.get(change.to_ug, -_FAR)
    return places.get(change.from_ug, _FAR) - to_place


_FAR = 99
_LADDER_PLACES = {
    drug: {int(rung): place for place, rung in enumerate(entry.ladder_ug)}
    for drug, entry in FORMULARY.items()
}
_START_PLACES = {drug: _LADDER_PLACES[drug][entry.start_ug] for drug, entry in FORMULARY.items()}


def _swap_is_stronger(move: Move) -> bool:
    """Say whether the new drug is above its start and more standard doses than the old one."""
    away = [change for change in move.changes if change.to_ug == 0]
    taken = [change for change in move.changes if change.from_ug == 0]
    if len(away) != 1 or len(taken) != 1:
        return True
    old, new = FORMULARY[away[0].drug], FORMULARY[taken[0].drug]
    stronger = taken[0].to_ug * old.standard_ug > away[0].from_ug * new.standard_ug
    return stronger and taken[0].to_ug > new.start_ug


def _outside_bounds(move: Move, envelope: Envelope | None) -> bool:
    """Say whether a change ends on a rung that the envelope does not name."""
    if envelope is None:
        return True
    allowed = {(item.drug, rung) for item in envelope.bounds for rung in item.rungs_ug}
    return any((change.drug, change.to_ug) not in allowed for change in move.changes)


def _supply_days(snapshot: Snapshot, move: Move) -> int | None:
    """Return for how many days the tablets in hand last at the raised doses; None: not known.

    A dose that is no whole number of tablets cannot be taken from them: 0 days.
    """
    days: list[int] = []
    for change in move.changes:
        if change.to_ug <= change.from_ug:
            continue
        item = next((item for item in snapshot.regimen if item.drug is change.drug), None)
        if item is None or item.tablet_strength_ug is None or item.tablets_in_hand is None:
            return None
        tablets, rest = divmod(change.to_ug, item.tablet_strength_ug)
        days.append(0 if rest or not tablets else item.tablets_in_hand // tablets)
    return min(days, default=None)
