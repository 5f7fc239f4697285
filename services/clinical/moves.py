"""The moves: what can be done to a regimen, rung by rung."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from types import MappingProxyType

from services.clinical.averaging import SufficientAverage, average
from services.clinical.envelope import Envelope
from services.clinical.formulary import (
    FORMULARY,
    Drug,
    DrugClass,
    drug_class,
    rung_above,
    rung_below,
)
from services.clinical.patient import Prescription, Snapshot, Symptom
from services.clinical.regimen import (
    RAS_CLASSES,
    SICK_DAY_CLASSES,
    last_change_at,
    sick_day_open,
    start_dose,
)
from services.clinical.units import Micrograms


class MoveKind(StrEnum):
    """What a move does. KEEP is always legal."""

    KEEP = "keep"
    STEP_UP = "step_up"
    STEP_DOWN = "step_down"
    START = "start"
    START_TWO = "start_two"
    ADD_AND_STEP_UP = "add_and_step_up"
    STEP_UP_TWO = "step_up_two"
    SWAP = "swap"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


class Path(StrEnum):
    """Who may carry a move out: a clinician (two rungs in total), or the patient alone (one)."""

    CLINICIAN = "clinician"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class DoseChange:
    """One drug from one daily dose to another; 0 means "not taken"."""

    drug: Drug
    from_ug: Micrograms
    to_ug: Micrograms


@dataclass(frozen=True, slots=True)
class Move:
    """One legal thing to do; `changes` is empty for KEEP. PAUSE keeps the order and goes to 0."""

    kind: MoveKind
    changes: tuple[DoseChange, ...] = ()

    @property
    def move_id(self) -> str:
        """A stable text such as "step_up:amlodipine:5000>10000", fit for ids and logs of kinds."""
        steps = ",".join(f"{c.drug.value}:{c.from_ug}>{c.to_ug}" for c in self.changes)
        return f"{self.kind.value}:{steps}" if steps else self.kind.value


KEEP = Move(MoveKind.KEEP)


MAX_RUNGS_CLINICIAN = 2
MAX_RUNGS_PATIENT = 1

# The drug that stands for its class when the engine adds one; a clinician may order any other.
# Source: AHA25 p36 first-line classes, HEARTS ladder [K]; spironolactone as fourth, AHA25 p63 [V].
STARTERS: tuple[Drug, ...] = (
    Drug.LISINOPRIL,
    Drug.LOSARTAN,
    Drug.AMLODIPINE,
    Drug.CHLORTHALIDONE,
    Drug.BISOPROLOL,
    Drug.SPIRONOLACTONE,
)

# Stage 2 at home is 135/85, the equivalent of 140/90 in the office. Source: AHA25 p3, p17 [S].
STAGE_2_HOME_TENTHS = (1350, 850)

# A symptom that a class is known to cause is a reason to swap it. Source: Law 2003 t5 [V]; labels.
SYMPTOM_OF_CLASS: Mapping[Symptom, DrugClass] = MappingProxyType(
    {
        Symptom.COUGH: DrugClass.ACE_INHIBITOR,
        Symptom.ANKLE_SWELLING: DrugClass.CALCIUM_CHANNEL_BLOCKER,
        Symptom.FATIGUE: DrugClass.BETA_BLOCKER,
    }
)


def legal_moves(
    snapshot: Snapshot,
    *,
    path: Path,
    now: datetime,
    envelope: Envelope | None = None,
    starters: tuple[Drug, ...] = STARTERS,
) -> tuple[Move, ...]:
    """Return the moves that the ladders allow, KEEP first; the guard has yet to judge each.

    A clinician's moves raise two rungs in total at most; a patient's move one rung of one drug
    between two rungs that the envelope names.
    """
    if snapshot.deceased or _regimen_is_off_ladder(snapshot):
        return (KEEP,)
    if path is Path.PATIENT:
        return (KEEP, *_patient_moves(snapshot, envelope), *_sick_day_moves(snapshot))
    starts = _starts(snapshot, starters, now)
    ups = _steps_up(snapshot)
    moves = [
        *(Move(MoveKind.STEP_UP, (up,)) for up in ups),
        *(Move(MoveKind.START, (start,)) for start in starts),
        *_steps_up_two(ups),
        *(Move(MoveKind.ADD_AND_STEP_UP, (start, up)) for start in starts for up in ups),
        *(_start_two(snapshot, starts, now)),
        *_moves_down(snapshot),
        *_swaps(snapshot, starts),
        *_sick_day_moves(snapshot),
    ]
    return (KEEP, *dict.fromkeys(moves))


def _regimen_is_off_ladder(snapshot: Snapshot) -> bool:
    drugs = [item.drug for item in snapshot.regimen]
    return len(drugs) != len(set(drugs)) or any(
        item.daily_dose_ug not in FORMULARY[item.drug].ladder_ug for item in snapshot.regimen
    )


def _taken(snapshot: Snapshot) -> list[tuple[Drug, Micrograms]]:
    return [
        (item.drug, item.daily_dose_ug) for item in snapshot.regimen if item.paused_since is None
    ]


def _steps_up(snapshot: Snapshot) -> list[DoseChange]:
    changes = []
    for drug, dose_ug in _taken(snapshot):
        above_ug = rung_above(drug, dose_ug)
        if above_ug is not None:
            changes.append(DoseChange(drug, dose_ug, above_ug))
    return changes


def _steps_up_two(ups: list[DoseChange]) -> list[Move]:
    """One drug by two rungs, or two drugs by one each."""
    moves = []
    for up in ups:
        second_ug = rung_above(up.drug, up.to_ug)
        if second_ug is not None:
            moves.append(Move(MoveKind.STEP_UP_TWO, (DoseChange(up.drug, up.from_ug, second_ug),)))
    return moves + [Move(MoveKind.STEP_UP_TWO, pair) for pair in combinations(ups, 2)]


def _starts(snapshot: Snapshot, starters: tuple[Drug, ...], now: datetime) -> list[DoseChange]:
    """Return one start for each class that the regimen lacks; ACE inhibitor and ARB exclude."""
    present = {drug_class(item.drug) for item in snapshot.regimen}
    closed = present | (RAS_CLASSES if present & RAS_CLASSES else set())
    return [
        DoseChange(drug, Micrograms(0), start_dose(drug, snapshot, now))
        for drug in starters
        if drug_class(drug) not in closed
    ]


def _start_two(snapshot: Snapshot, starts: list[DoseChange], now: datetime) -> list[Move]:
    if not is_stage_2(snapshot, now):
        return []
    return [
        Move(MoveKind.START_TWO, pair)
        for pair in combinations(starts, 2)
        if not {drug_class(change.drug) for change in pair} <= RAS_CLASSES
    ]


def is_stage_2(snapshot: Snapshot, now: datetime) -> bool:
    """Say whether a sufficient home average is at stage 2; without an average it is not known."""
    mean = average(snapshot.readings, now=now, last_change_at=last_change_at(snapshot))
    systolic_tenths, diastolic_tenths = STAGE_2_HOME_TENTHS
    return isinstance(mean, SufficientAverage) and (
        mean.systolic_tenths >= systolic_tenths or mean.diastolic_tenths >= diastolic_tenths
    )


def _moves_down(snapshot: Snapshot) -> list[Move]:
    moves = []
    for drug, dose_ug in _taken(snapshot):
        below_ug = rung_below(drug, dose_ug)
        if below_ug is not None:
            moves.append(Move(MoveKind.STEP_DOWN, (DoseChange(drug, dose_ug, below_ug),)))
        moves.append(Move(MoveKind.STOP, (DoseChange(drug, dose_ug, Micrograms(0)),)))
    return moves


def _swaps(snapshot: Snapshot, starts: list[DoseChange]) -> list[Move]:
    """Replace a drug that is not tolerated by a start of a class the regimen lacks.

    An ACE inhibitor may also give way to an ARB, which `starts` leaves out beside it; not where one
    is on order, paused or not.
    """
    present = {drug_class(item.drug) for item in snapshot.regimen}
    moves = []
    for drug, dose_ug in _taken(snapshot):
        if not _is_not_tolerated(drug, snapshot):
            continue
        away = DoseChange(drug, dose_ug, Micrograms(0))
        if drug_class(drug) is DrugClass.ACE_INHIBITOR and DrugClass.ARB not in present:
            arb = DoseChange(Drug.LOSARTAN, Micrograms(0), FORMULARY[Drug.LOSARTAN].start_low_ug)
            moves.append(Move(MoveKind.SWAP, (away, arb)))
        moves += [Move(MoveKind.SWAP, (away, start)) for start in starts]
    return moves


def _is_not_tolerated(drug: Drug, snapshot: Snapshot) -> bool:
    return any(item.drug is drug for item in snapshot.intolerances) or any(
        report.open and SYMPTOM_OF_CLASS.get(report.symptom) is drug_class(drug)
        for report in snapshot.symptoms
    )


def _sick_day_moves(snapshot: Snapshot) -> list[Move]:
    """Pause all that harms a dry kidney at once; take it up again at the ordered dose."""
    zero = Micrograms(0)
    affected = [item for item in snapshot.regimen if drug_class(item.drug) in SICK_DAY_CLASSES]
    taken = [item for item in affected if item.paused_since is None]
    paused = _resumable(snapshot)
    moves = []
    if taken and sick_day_open(snapshot):
        changes = tuple(DoseChange(item.drug, item.daily_dose_ug, zero) for item in taken)
        moves.append(Move(MoveKind.PAUSE, changes))
    if paused:
        changes = tuple(DoseChange(item.drug, zero, item.daily_dose_ug) for item in paused)
        moves.append(Move(MoveKind.RESUME, changes))
    return moves


def _resumable(snapshot: Snapshot) -> list[Prescription]:
    """Return what is paused; an ACE inhibitor and an ARB on one order both stay paused."""
    conflict = {drug_class(item.drug) for item in snapshot.regimen} >= RAS_CLASSES
    barred = RAS_CLASSES if conflict else frozenset[DrugClass]()
    paused = [item for item in snapshot.regimen if item.paused_since is not None]
    return [item for item in paused if drug_class(item.drug) not in barred]


def _patient_moves(snapshot: Snapshot, envelope: Envelope | None) -> list[Move]:
    """Return single rungs up and down between rungs that the envelope names."""
    bounds = {} if envelope is None else {item.drug: item.rungs_ug for item in envelope.bounds}
    moves = []
    for drug, dose_ug in _taken(snapshot):
        rungs = bounds.get(drug, ())
        above_ug = rung_above(drug, dose_ug, clinician=False)
        below_ug = rung_below(drug, dose_ug)
        if above_ug in rungs and above_ug is not None:
            moves.append(Move(MoveKind.STEP_UP, (DoseChange(drug, dose_ug, above_ug),)))
        if below_ug in rungs and below_ug is not None:
            moves.append(Move(MoveKind.STEP_DOWN, (DoseChange(drug, dose_ug, below_ug),)))
    return moves


_KINDS_UP_AND_DOWN: Mapping[MoveKind, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        MoveKind.KEEP: ((),),
        MoveKind.STEP_UP: (("up",),),
        MoveKind.STEP_DOWN: (("down",),),
        MoveKind.START: (("start",),),
        MoveKind.START_TWO: (("start", "start"),),
        MoveKind.ADD_AND_STEP_UP: (("start", "up"),),
        MoveKind.STEP_UP_TWO: (("up",), ("up", "up")),
        MoveKind.SWAP: (("start", "stop"),),
        MoveKind.STOP: (("stop",),),
    }
)


def is_well_formed(move: Move) -> bool:
    """Say whether the changes are what the kind promises, each drug once, no dose negative."""
    drugs = {change.drug for change in move.changes}
    shapes = tuple(sorted(_shape(change) for change in move.changes))
    if len(drugs) != len(move.changes) or "nothing" in shapes:
        return False
    if move.kind is MoveKind.PAUSE:
        return bool(shapes) and set(shapes) == {"stop"}
    if move.kind is MoveKind.RESUME:
        return bool(shapes) and set(shapes) == {"start"}
    return shapes in _KINDS_UP_AND_DOWN[move.kind]


def _shape(change: DoseChange) -> str:
    if change.from_ug < 0 or change.to_ug < 0 or change.from_ug == change.to_ug:
        return "nothing"
    if change.from_ug == 0:
        return "start"
    if change.to_ug == 0:
        return "stop"
    return "up" if change.to_ug > change.from_ug else "down"
