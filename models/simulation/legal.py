"""The legal moves of simulated regimens, made by the clinical core and kept for reuse.

`services.clinical.moves.legal_moves` and `services.clinical.facts.read_move` run once for each
situation that occurs; thousands of patients share one. Nothing is added to what they return.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from models.literature import CLASSES
from models.simulation.people import Bools, Floats, Ints
from services.clinical.facts import MoveFacts, read_move
from services.clinical.formulary import FORMULARY, Drug, drug_class
from services.clinical.moves import STARTERS, Move, MoveKind, Path, legal_moves
from services.clinical.patient import (
    Adherence,
    Condition,
    ConsentPurpose,
    Intolerance,
    Lab,
    LabResult,
    Pregnancy,
    Prescription,
    Sex,
    Snapshot,
    Symptom,
    SymptomReport,
    Target,
)
from services.clinical.proposal import Proposal
from services.clinical.readings import BloodPressure
from services.clinical.regimen import OLD_AGE_YEARS
from services.clinical.units import Micrograms, Mmhg

ENTRY: Final = datetime(2026, 1, 1, 3, tzinfo=UTC)
"""Day 0 of a trial. A decision is made at three in the morning, before the day's first reading."""
TARGET: Final = Target(systolic_below_mmhg=130, diastolic_below_mmhg=80)
DRUGS: Final = tuple(next(d for d in STARTERS if drug_class(d) is cls) for cls in CLASSES)
"""The one drug of each class that simulated patients take, in the order of `CLASSES`."""
KINDS: Final = tuple(MoveKind)
STANDARD_UG: Final = np.array([int(FORMULARY[drug].standard_ug) for drug in DRUGS])
_SHOWN: Final = {
    Drug.LISINOPRIL: Symptom.COUGH,
    Drug.AMLODIPINE: Symptom.ANKLE_SWELLING,
    Drug.BISOPROLOL: Symptom.FATIGUE,
}
SYMPTOM_OF_DRUG: Final = tuple(_SHOWN.get(drug, Symptom.PALPITATIONS) for drug in DRUGS)
"""What a patient reports of each drug's symptoms; those without a name of their own in the record
stand as palpitations, which no rule reads."""
_EGFR_STEPS: Final = (15_000, 25_000, 90_000)


class Situation(NamedTuple):
    """All that the legal moves depend on. Doses in µg by `DRUGS`."""

    doses_ug: tuple[int, ...]
    symptoms: tuple[bool, ...]
    intolerant: tuple[bool, ...]
    old: bool
    frail: bool
    egfr_step: int
    stage_2: bool
    paused: tuple[bool, ...] = (False,) * len(CLASSES)
    sick: bool = False
    """Vomiting or diarrhoea is open."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Moves of many patients, one element a judgement; `patient` ascends."""

    patient: Ints
    row: Ints
    """Place of each in the book."""


class MoveBook:
    """Every move met so far, with its facts. Rows are never changed once written."""

    def __init__(self) -> None:
        self.moves: list[Move] = []
        self.facts: list[MoveFacts] = []
        self._rows: dict[Situation, range] = {}
        self._columns: dict[str, Ints | Bools] = {}

    def offer(self, situations: list[Situation]) -> Offered:
        """Return the legal moves of each patient's situation, KEEP first for each."""
        rows = [self._rows_of(situation) for situation in situations]
        counts = np.array([len(r) for r in rows])
        first = np.repeat([r.start for r in rows], counts)
        begins = np.repeat(np.cumsum(counts) - counts, counts)
        row = first + np.arange(counts.sum()) - begins
        return Offered(np.repeat(np.arange(len(rows)), counts), row)

    def column(self, name: str) -> Ints | Bools:
        """Return one fact of all rows; tuples of facts have a second dimension."""
        held = self._columns.get(name)
        if held is None or len(held) != len(self.facts):
            held = self._columns[name] = np.array([getattr(f, name) for f in self.facts])
        return held

    def doses_after(self, rows: Ints) -> Floats:
        """Return doses after the moves in standard doses, (rows, drugs)."""
        after = self.column("after")[:, _PLACES]
        return np.asarray(after[rows] / STANDARD_UG)

    def paused_after(self, rows: Ints) -> Bools:
        """Return which drugs are on order and not taken after the moves, (rows, drugs)."""
        return np.asarray(self.column("paused")[rows][:, _PLACES], dtype=np.bool_)

    def kinds(self) -> Ints:
        """Return the kind of every row as its place in `KINDS`."""
        held = self._columns.get("kinds")
        if held is None or len(held) != len(self.moves):
            held = np.array([KINDS.index(m.kind) for m in self.moves])
            self._columns["kinds"] = held
        return np.asarray(held, dtype=np.int64)

    def _rows_of(self, situation: Situation) -> range:
        held = self._rows.get(situation)
        if held is None:
            snapshot = example(situation)
            start = len(self.moves)
            for move in legal_moves(snapshot, path=Path.CLINICIAN, now=ENTRY):
                self.moves.append(move)
                self.facts.append(read_move(snapshot, proposal(move), None, ENTRY))
            held = self._rows[situation] = range(start, len(self.moves))
        return held


_ORDER: Final = tuple(Drug)
_PLACES: Final = [_ORDER.index(drug) for drug in DRUGS]


def proposal(move: Move, now: datetime = ENTRY) -> Proposal:
    """Return the move as put to the guard for a clinician's decision."""
    return Proposal("p", "simulated", move, Path.CLINICIAN, None, now, now)


def example(situation: Situation) -> Snapshot:
    """Return a snapshot that has the situation and no more."""
    readings = _stage_2_week() if situation.stage_2 else ()
    egfr = _EGFR_STEPS[situation.egfr_step]
    return Snapshot(
        patient_id="simulated",
        as_of=ENTRY,
        birth_date=date(ENTRY.year - (OLD_AGE_YEARS if situation.old else 50), 1, 1),
        sex=Sex.MALE,
        deceased=False,
        consent=frozenset(ConsentPurpose),
        regimen=prescriptions(
            situation.doses_ug,
            paused_since=tuple(ENTRY if mark else None for mark in situation.paused),
        ),
        other_medicines=(),
        medicines_complete=True,
        conditions=frozenset({Condition.FRAILTY} if situation.frail else ()),
        conditions_complete=True,
        intolerances=intolerances(situation.intolerant),
        intolerances_complete=True,
        pregnancy=Pregnancy.NOT_APPLICABLE,
        labs=(LabResult(Lab.EGFR, egfr, ENTRY - timedelta(days=5)),),
        pending_labs=(),
        readings=readings,
        symptoms=(
            *reports(situation.symptoms, fainted=False, now=ENTRY),
            sick_report(ENTRY, still=situation.sick),
        ),
        adherence=Adherence(28, 28),
        weights=(),
        changes=(),
        target=TARGET,
        open_alarm=False,
        halted=False,
    )


def egfr_steps(egfr_thousandths: Ints) -> Ints:
    """Return which of the kidney levels that start doses tell apart each patient is in."""
    return np.searchsorted([20_000, 30_000], egfr_thousandths, side="right").astype(np.int64)


def prescriptions(
    doses_ug: tuple[int, ...],
    since: tuple[datetime, ...] | None = None,
    paused_since: tuple[datetime | None, ...] = (None,) * len(DRUGS),
) -> tuple[Prescription, ...]:
    """Return the doses as orders."""
    begun = since or (ENTRY - timedelta(days=400),) * len(DRUGS)
    return tuple(
        Prescription(drug, Micrograms(int(dose)), 1, at, drug.value, paused_since=paused)
        for drug, dose, at, paused in zip(DRUGS, doses_ug, begun, paused_since, strict=True)
        if dose
    )


def intolerances(marks: tuple[bool, ...]) -> tuple[Intolerance, ...]:
    """Return the marked drugs as intolerances."""
    return tuple(Intolerance(drug) for drug, mark in zip(DRUGS, marks, strict=True) if mark)


def reports(marks: tuple[bool, ...], *, fainted: bool, now: datetime) -> tuple[SymptomReport, ...]:
    """Return the open symptoms of the marked drugs, and dizziness of those who were faint."""
    found = {s for s, mark in zip(SYMPTOM_OF_DRUG, marks, strict=True) if mark}
    found |= {Symptom.DIZZINESS} if fainted else set()
    return tuple(SymptomReport(s, now, open=True) for s in sorted(found))


def sick_report(at: datetime, *, still: bool) -> SymptomReport:
    """Return the report of a spell of vomiting or diarrhoea."""
    return SymptomReport(Symptom.VOMITING_OR_DIARRHOEA, at, open=still)


def reading(at: datetime, systolic: int, diastolic: int, pulse: int | None = 70) -> BloodPressure:
    """Return a valid sitting cuff reading."""
    name = f"r{at.isoformat()}"
    return BloodPressure(
        name,
        Mmhg(systolic),
        Mmhg(diastolic),
        pulse,
        at,
        0,
        at,
        device_validated=True,
        cuff_fits=True,
    )


def _stage_2_week() -> tuple[BloodPressure, ...]:
    hours = (4, 4, 16, 16)
    return tuple(
        reading(ENTRY - timedelta(days=day) + timedelta(hours=hour, minutes=place), 160, 100)
        for day in range(7, 0, -1)
        for place, hour in enumerate(hours)
    )
