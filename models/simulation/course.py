"""One cohort on its way through a trial: days lived, weeks measured, moves carried out.

`facts` flattens it for the guard's array evaluator, `snapshot` gives one patient as the clinical
core sees people. A test holds the two to the same facts.
"""

from datetime import date, timedelta
from typing import Final

import numpy as np

from models.literature import CLASSES
from models.simulation.body import Body
from models.simulation.home import Averages, Week, averages
from models.simulation.laboratory import DRAWN_DAYS_AHEAD, Laboratory
from models.simulation.legal import (
    DRUGS,
    ENTRY,
    STANDARD_UG,
    TARGET,
    MoveBook,
    Offered,
    Situation,
    egfr_steps,
    intolerances,
    prescriptions,
    reading,
    reports,
)
from models.simulation.people import Bools, Floats, Ints, draw
from models.simulation.worlds import World
from services.clinical.formulary import FORMULARY
from services.clinical.moves import STAGE_2_HOME_TENTHS
from services.clinical.patient import (
    Adherence,
    Condition,
    ConsentPurpose,
    DoseChangeRecord,
    Lab,
    LabResult,
    Pregnancy,
    Sex,
    Snapshot,
)
from services.clinical.readings import BloodPressure, Posture
from services.clinical.regimen import OLD_AGE_YEARS
from services.clinical.units import Micrograms
from services.clinical.windows import WINDOW_DAYS

LOG_DAYS: Final = 28
RUN_IN_DAYS: Final = 28
LONG_AGO: Final = -400
"""Day on which treatment before entry began."""
NEVER_MOVED: Final = -10_000
WEEKS_KEPT: Final = 6


class Course:
    """Everything about the cohort that changes; days count from entry, which is day 0."""

    def __init__(self, count: int, world: World, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.people = draw(count, world, self.chance)
        self.body = Body(self.people, world, self.chance)
        self.body.day = -RUN_IN_DAYS
        self.world, self.count = world, count
        self.doses_ug: Ints = _doses_at_entry(count, world, self.chance)
        self.intolerant: Bools = np.zeros((count, len(DRUGS)), dtype=np.bool_)
        self.since: Ints = np.full((count, len(DRUGS)), LONG_AGO)
        self.changed: Ints = np.where(self.on_treatment, LONG_AGO, NEVER_MOVED)
        slow = (self.doses_ug[:, _SLOW] > 0).any(1)
        self.slow_changed: Ints = np.where(slow, LONG_AGO, NEVER_MOVED)
        self.changes: list[list[DoseChangeRecord]] = [[] for _ in range(count)]
        self.log: Bools = np.ones((count, LOG_DAYS), dtype=np.bool_)
        self.weeks: list[Week] = []
        self._set_doses()
        self.body.settle()
        self.lab = Laboratory(self.body)
        self.faint: Bools = np.zeros(count, dtype=np.bool_)
        """Faint in the last week: dizziness is open."""
        self._fainted_on: Ints = np.full(count, NEVER_MOVED)
        for _ in range(RUN_IN_DAYS):
            self.live(measuring=self.body.day >= -WINDOW_DAYS, next_decision=0)

    @property
    def on_treatment(self) -> Bools:
        """Who takes a drug by order."""
        return np.asarray((self.doses_ug > 0).any(1))

    def live(self, *, measuring: bool, next_decision: int) -> None:
        """Let one day pass; `next_decision` is the day of the decision that the week is for."""
        if measuring and self.body.day == next_decision - WINDOW_DAYS:
            self.weeks = [*self.weeks[1 - WEEKS_KEPT :], Week(self.count, self.body.day)]
        self.body.live()
        honest = self.chance.random(self.count) < self.world.log_honesty
        logged = self.body.took | ~honest
        self.log[:, self.body.day % LOG_DAYS] = logged
        self._fainted_on = np.where(self.body.fainted, self.body.day, self._fainted_on)
        if measuring:
            self.weeks[-1].measure(self.body)
        if self.body.day == next_decision - DRAWN_DAYS_AHEAD:
            self.lab.draw()
        self.faint = self.body.day - self._fainted_on <= WINDOW_DAYS

    def averages(self) -> Averages:
        """Return the averages that the guard reads now."""
        target = (10 * TARGET.systolic_below_mmhg, 10 * TARGET.diastolic_below_mmhg)
        return averages(self.weeks, self.changed, target)

    def reported(self) -> Bools:
        """Return the symptoms by drug that patients have open, (patients, drugs)."""
        return self.body.symptoms()

    def taken_share(self) -> Floats:
        """Return the share of the last 28 days' doses that the log shows as taken."""
        return np.asarray(self.log.mean(1))

    def offer(self, book: MoveBook, week: Averages) -> Offered:
        """Return the legal moves of every patient."""
        people, stage_2 = self.people, STAGE_2_HOME_TENTHS
        severe = week.known & ((week.systolic >= stage_2[0]) | (week.diastolic >= stage_2[1]))
        columns = zip(
            self.doses_ug.tolist(),
            self.reported().tolist(),
            self.intolerant.tolist(),
            (people.age >= OLD_AGE_YEARS).tolist(),
            people.frail.tolist(),
            egfr_steps(self.lab.egfr).tolist(),
            severe.tolist(),
            strict=True,
        )
        return book.offer([Situation(*map(_frozen, column)) for column in columns])  # type: ignore[arg-type]

    def carry_out(self, book: MoveBook, rows: Ints) -> Bools:
        """Make each patient's move, in force today. Return who changed anything."""
        return self.prescribe(np.rint(book.doses_after(rows) * STANDARD_UG).astype(np.int64))

    def prescribe(self, after: Ints) -> Bools:
        """Put daily doses (patients, drugs) in µg in force today. Return who changed anything."""
        today, before = self.body.day, self.doses_ug
        moved = (after != before).any(1)
        self.lab.note_rise(after > before, today)
        self.intolerant |= (after == 0) & (before > 0) & self.reported()
        self.since = np.where((before == 0) & (after > 0), today, self.since)
        self.changed = np.where(moved, today, self.changed)
        slow = (after != before)[:, _SLOW].any(1)
        self.slow_changed = np.where(slow, today, self.slow_changed)
        for patient in np.flatnonzero(moved):
            self._record(int(patient), before[patient], after[patient])
        self.doses_ug = after
        self._set_doses()
        return np.asarray(moved)

    def _record(self, patient: int, before: Ints, after: Ints) -> None:
        at = ENTRY + timedelta(days=self.body.day)
        for place, drug in enumerate(DRUGS):
            if before[place] != after[place]:
                doses = Micrograms(int(before[place])), Micrograms(int(after[place]))
                self.changes[patient].append(DoseChangeRecord(drug, *doses, at, False, None))

    def _set_doses(self) -> None:
        self.body.prescribed = self.doses_ug / STANDARD_UG

    def snapshot(self, patient: int) -> Snapshot:
        """Return the patient as the clinical core sees people."""
        people, now = self.people, ENTRY + timedelta(days=self.body.day)
        since = tuple(ENTRY + timedelta(days=int(d)) for d in self.since[patient])
        taken = int(self.log[patient].sum())
        return Snapshot(
            patient_id="simulated",
            as_of=now,
            birth_date=date(ENTRY.year - int(people.age[patient]), 1, 1),
            sex=Sex.FEMALE if people.female[patient] else Sex.MALE,
            deceased=False,
            consent=frozenset(ConsentPurpose),
            regimen=prescriptions(tuple(self.doses_ug[patient].tolist()), since),
            other_medicines=(),
            medicines_complete=True,
            conditions=frozenset(c for c, has in self.conditions().items() if has[patient]),
            conditions_complete=True,
            intolerances=intolerances(tuple(self.intolerant[patient].tolist())),
            intolerances_complete=True,
            pregnancy=Pregnancy.POSSIBLE
            if people.pregnancy_risk[patient]
            else Pregnancy.NOT_PREGNANT,
            labs=self._labs(patient),
            pending_labs=(),
            readings=self._readings(patient),
            symptoms=reports(
                tuple(self.reported()[patient].tolist()),
                fainted=bool(self.faint[patient]),
                now=now,
            ),
            adherence=Adherence(taken, LOG_DAYS) if self.on_treatment[patient] else None,
            weights=(),
            changes=tuple(self.changes[patient]),
            target=TARGET,
            open_alarm=False,
            halted=False,
        )

    def conditions(self) -> dict[Condition, Bools]:
        """Return the conditions that occur here."""
        people = self.people
        return {
            Condition.FRAILTY: people.frail,
            Condition.GOUT: people.gout,
            Condition.DIABETES_TYPE_2: people.diabetes,
            Condition.ALBUMINURIA: people.albuminuria,
            Condition.SEVERE_ASTHMA_OR_COPD: people.severe_airways,
            Condition.AV_BLOCK_2_3: people.av_block,
            Condition.ANGIOEDEMA: people.angioedema,
        }

    def _labs(self, patient: int) -> tuple[LabResult, ...]:
        tests = (Lab.POTASSIUM, Lab.SODIUM, Lab.EGFR, Lab.CREATININE)
        return tuple(
            LabResult(test, int(value[patient]), ENTRY + timedelta(days=day, hours=9))
            for drawn, day, *values in self.lab.history
            if drawn[patient]
            for test, value in zip(tests, values, strict=True)
        )

    def _readings(self, patient: int) -> tuple[BloodPressure, ...]:
        found: list[BloodPressure] = []
        for week in self.weeks:
            for day, slot in np.argwhere(week.present[patient]):
                at = ENTRY + timedelta(days=int(week.first_day + day)) + _SLOTS[slot]
                pair = week.systolic[patient, day, slot], week.diastolic[patient, day, slot]
                found.append(reading(at, int(pair[0]), int(pair[1]), None))
            if week.checked[patient]:
                found += _standing_check(week, patient)
        return tuple(sorted(found, key=lambda r: r.taken_at))


_SLOW: Final = [p for p, d in enumerate(DRUGS) if FORMULARY[d].min_interval_days > 14]
# Seven in the morning and in the evening, entry being at three.
_SLOTS: Final = tuple(timedelta(hours=h, minutes=m) for h in (4, 16) for m in (0, 1))


def _standing_check(week: Week, patient: int) -> list[BloodPressure]:
    at = ENTRY + timedelta(days=week.check_day, hours=10)
    pulse = int(week.pulse[patient])
    sitting = [int(v[patient]) for v in week.sitting]
    standing = [int(v[patient]) for v in week.standing]
    first = reading(at, sitting[0], sitting[1], pulse)
    second = reading(at + timedelta(minutes=3), standing[0], standing[1], pulse)
    fields = {name: getattr(second, name) for name in second.__slots__}
    return [first, BloodPressure(**{**fields, "posture": Posture.STANDING_3_MIN})]


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _doses_at_entry(count: int, world: World, chance: np.random.Generator) -> Ints:
    """Some take nothing, most one drug at a low or standard dose, some two."""
    uniform = chance.random(count)
    first = chance.choice(len(CLASSES) - 2, size=count, p=(0.35, 0.2, 0.15, 0.3))
    second = np.where(first == 3, 0, 3)
    doses: Ints = np.zeros((count, len(DRUGS)), dtype=np.int64)
    one = uniform >= world.untreated_at_entry
    two = uniform >= world.untreated_at_entry + 0.8 * (1.0 - world.untreated_at_entry)
    high = chance.random(count) < 0.5
    for place, drug in enumerate(DRUGS):
        ladder = FORMULARY[drug].rungs_ug
        dose = np.where(high, int(ladder[1]), int(ladder[0]))
        doses[:, place] = np.where((one & (first == place)) | (two & (second == place)), dose, 0)
    return doses
