"""One cohort on its way through a trial: days lived, weeks measured, moves carried out.

`facts` flattens it for the guard's array evaluator, `snapshot` gives one patient as the clinical
core sees people. A test holds the two to the same facts.
"""

from datetime import timedelta
from typing import Final

import numpy as np

from models.literature import CLASSES
from models.simulation import chart
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
)
from models.simulation.people import Bools, Floats, Ints, draw
from models.simulation.place import CPU, Place
from models.simulation.sickness import NEVER
from models.simulation.wearable import Wearable
from models.simulation.worlds import World
from services.clinical.formulary import FORMULARY
from services.clinical.moves import STAGE_2_HOME_TENTHS
from services.clinical.patient import Condition, DoseChangeRecord, Snapshot
from services.clinical.regimen import OLD_AGE_YEARS
from services.clinical.units import Micrograms
from services.clinical.windows import WINDOW_DAYS

LOG_DAYS: Final = 28
RUN_IN_DAYS: Final = 28
LONG_AGO: Final = -400
"""Day on which treatment before entry began."""
NEVER_MOVED: Final = NEVER
WEEKS_KEPT: Final = 6


class Course:
    """Everything about the cohort that changes; days count from entry, which is day 0."""

    def __init__(self, count: int, world: World, seed: int, place: Place = CPU) -> None:
        self.chance = np.random.default_rng(seed)
        self.people = draw(count, world, self.chance)
        self.body = Body(self.people, world, self.chance, place)
        self.body.day = -RUN_IN_DAYS
        self.world, self.count = world, count
        self.doses_ug: Ints = _doses_at_entry(count, world, self.chance)
        self.intolerant: Bools = np.zeros((count, len(DRUGS)), dtype=np.bool_)
        self.since: Ints = np.full((count, len(DRUGS)), LONG_AGO)
        self.paused_on: Ints = np.full((count, len(DRUGS)), NEVER)
        """Morning of each drug's pause; NEVER while it is taken or not on order."""
        self.changed: Ints = np.where(self.on_treatment, LONG_AGO, NEVER_MOVED)
        slow = (self.doses_ug[:, _SLOW] > 0).any(1)
        self.slow_changed: Ints = np.where(slow, LONG_AGO, NEVER_MOVED)
        self.changes: list[list[DoseChangeRecord]] = [[] for _ in range(count)]
        self.ever_taken: Bools = np.zeros((count, len(CLASSES)), dtype=np.bool_)
        """Classes that each patient has had to take on any day, (patients, classes)."""
        self.log: Bools = np.ones((count, LOG_DAYS), dtype=np.bool_)
        self.weeks: list[Week] = []
        self._set_doses()
        self.body.settle()
        self.lab = Laboratory(self.body)
        self.wearable = Wearable(self.body, self.chance.spawn(1)[0])
        self.faint: Bools = np.zeros(count, dtype=np.bool_)
        """Faint in the last week: dizziness is open."""
        self._fainted_on: Ints = np.full(count, NEVER_MOVED)
        for _ in range(RUN_IN_DAYS):
            self.live(measuring=self.body.day >= -WINDOW_DAYS, next_decision=0)

    @property
    def on_treatment(self) -> Bools:
        """Who has a drug on order."""
        return np.asarray((self.doses_ug > 0).any(1))

    @property
    def taken_ug(self) -> Ints:
        """Daily doses (patients, drugs) in µg that are to be taken now: 0 while paused."""
        return np.where(self.paused_on == NEVER, self.doses_ug, 0)

    @property
    def ill_until(self) -> Ints:
        """The morning of each patient's last pause or report while a drug is paused, else NEVER."""
        paused_on = self.paused_on.max(1)
        last = np.maximum(paused_on, self.body.sickness.reported_on)
        return np.where(paused_on == NEVER, NEVER, last)

    def live(self, *, measuring: bool, next_decision: int) -> None:
        """Let one day pass; `next_decision` is the day of the decision that the week is for."""
        if measuring and self.body.day == next_decision - WINDOW_DAYS:
            self.weeks = [*self.weeks[1 - WEEKS_KEPT :], Week(self.count, self.body.day)]
        self.body.live()
        honest = self.chance.random(self.count) < self.world.log_honesty
        # Who has nothing to take misses nothing.
        due = self.body.prescribed.any(1)
        logged = self.body.took | ~honest | ~due
        self.log[:, self.body.day % LOG_DAYS] = logged
        self._fainted_on = np.where(self.body.fainted, self.body.day, self._fainted_on)
        if measuring:
            self.weeks[-1].measure(self.body)
        if self.body.day - 1 == next_decision - DRAWN_DAYS_AHEAD:
            self.lab.draw()
        ill_until = self.ill_until
        waiting = (ill_until != NEVER) & ~self.body.sickness.open
        self.lab.draw_after_illness(waiting, ill_until)
        self.faint = self.body.day - self._fainted_on <= WINDOW_DAYS
        if self.body.day == next_decision:
            self.wearable.measure()

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
            (self.paused_on != NEVER).tolist(),
            self.body.sickness.open.tolist(),
            strict=True,
        )
        return book.offer([Situation(*map(_frozen, column)) for column in columns])  # type: ignore[arg-type]

    def carry_out(self, book: MoveBook, rows: Ints) -> Bools:
        """Make each patient's move, in force today. Return who changed anything."""
        after = np.rint(book.doses_after(rows) * STANDARD_UG).astype(np.int64)
        paused = book.paused_after(rows)
        # A paused drug stays on order at its dose.
        return self.prescribe(np.where(paused, self.doses_ug, after), paused)

    def prescribe(self, ordered: Ints, paused: Bools | None = None) -> Bools:
        """Put orders (patients, drugs) in µg a day in force today. Return who changed anything.

        `paused`: on order and not taken; without it what is paused and still on order stays so.
        """
        today, before, was_paused = self.body.day, self.taken_ug, self.paused_on != NEVER
        paused = was_paused & (ordered > 0) if paused is None else paused
        after = np.where(paused, 0, ordered)
        differs = after != before
        moved = differs.any(1)
        self.lab.note_rise(after > before, today)
        self.intolerant |= (ordered == 0) & (before > 0) & self.reported()
        self.since = np.where((self.doses_ug == 0) & (ordered > 0), today, self.since)
        self.changed = np.where(moved, today, self.changed)
        self.slow_changed = np.where(differs[:, _SLOW].any(1), today, self.slow_changed)
        self.paused_on = np.where(paused, np.where(was_paused, self.paused_on, today), NEVER)
        for patient in np.flatnonzero(moved):
            self._record(int(patient), before[patient], after[patient])
        self.doses_ug = ordered
        self._set_doses()
        return np.asarray(moved)

    def _record(self, patient: int, before: Ints, after: Ints) -> None:
        at = ENTRY + timedelta(days=self.body.day)
        for place, drug in enumerate(DRUGS):
            if before[place] != after[place]:
                doses = Micrograms(int(before[place])), Micrograms(int(after[place]))
                self.changes[patient].append(DoseChangeRecord(drug, *doses, at, False, None))

    def _set_doses(self) -> None:
        self.body.prescribed = self.taken_ug / STANDARD_UG
        self.ever_taken |= self.taken_ug > 0

    def snapshot(self, patient: int) -> Snapshot:
        """Return the patient as the clinical core sees people."""
        return chart.snapshot(self, patient)

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


_SLOW: Final = [p for p, d in enumerate(DRUGS) if FORMULARY[d].min_interval_days > 14]


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
