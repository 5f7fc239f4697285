"""What the loops are for: clinicians' decisions and minutes, steps alone, days until a change.

Three arms on the same simulated patients, each driven by the clinical core's own `assess`: usual
care with visits, review of every step, and the loops, in which a signed plan lets the patient take
some steps alone. Simulated throughout: minutes and turnaround are assumptions, named below.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from models.simulation import sick_days, summary
from models.simulation.course import Course
from models.simulation.legal import DRUGS, ENTRY, TARGET
from models.simulation.people import Floats, Ints
from models.simulation.sickness import NEVER
from models.simulation.trial import DAYS_A_YEAR, DayCount, Outcomes
from models.simulation.worlds import World
from services.clinical.alarm_types import Alarm, Urgency
from services.clinical.assessment import Assessment, assess
from services.clinical.envelope import DrugBounds, Envelope, Stage
from services.clinical.formulary import FORMULARY
from services.clinical.moves import KEEP, Move, MoveKind, Path
from services.clinical.patient import Prescription, Snapshot
from services.clinical.plans import default_envelope, sign
from services.clinical.proposal import Predictor
from services.clinical.titration import Titrator
from services.clinical.units import Micrograms
from services.clinical.verdict import Advise, Ask
from services.clinical.windows import WINDOW_DAYS

# Minutes of a clinician's work [A]: a visit with its notes, a proposal judged on the dashboard, a
# plan drafted and signed, an alarm that pages, an item of the work list.
VISIT_MINUTES: Final = 15.0
REVIEW_MINUTES: Final = 3.0
PLAN_MINUTES: Final = 5.0
ALARM_MINUTES: Final = MappingProxyType(
    {Urgency.EMERGENCY: 10.0, Urgency.SAME_DAY: 10.0, Urgency.REPEAT: 0.0, Urgency.QUEUE: 3.0}
)
# Days from a proposal to the clinician's decision [A]; the patient's own step begins the same day.
REVIEW_DAYS: Final = 2
# Days under 100 mmHg a patient-year by which an arm may be worse and still count as equally safe.
SAFETY_MARGIN_DAYS: Final = 0.5
_SUPPLY_TABLETS: Final = 500
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arm:
    """How steps are decided. `inertia` is the share of proposals that are not followed."""

    name: str
    cadence_days: int
    visits: bool
    plans: bool
    inertia: float = 0.0


# Usual care: a visit a quarter, half of the indicated steps not taken [A]; the loops' own interval.
ARMS: Final = (
    Arm("usual_care", 91, visits=True, plans=False, inertia=0.5),
    Arm("review_of_every_step", 28, visits=False, plans=False),
    Arm("the_loops", 28, visits=False, plans=True),
)


class Work:
    """Running sums, one element a patient."""

    def __init__(self, count: int) -> None:
        self.decisions: Floats = np.zeros(count)
        self.signatures: Floats = np.zeros(count)
        self.minutes: Floats = np.zeros(count)
        self.alarms: Floats = np.zeros(count)
        self.alone: Floats = np.zeros(count)
        self.raised_alone: Floats = np.zeros(count)
        self.steps: Floats = np.zeros(count)
        self.waited: list[float] = []
        """Days above target before each step up, of all patients."""
        self._above_since: Ints = np.full(count, -1)
        self._raised: set[tuple[int, str]] = set()

    def alarmed(self, patient: int, alarms: tuple[Alarm, ...]) -> None:
        """Count an alarm once while its cause goes on."""
        open_now = {(patient, alarm.cause.value) for alarm in alarms}
        for alarm in alarms:
            if (patient, alarm.cause.value) not in self._raised:
                self.alarms[patient] += 1
                self.minutes[patient] += ALARM_MINUTES[alarm.urgency]
        self._raised = {held for held in self._raised if held[0] != patient} | open_now

    def day(self, course: Course) -> None:
        """Note since when each patient's true home mean has been above target."""
        above = course.body.latent_systolic() >= TARGET.systolic_below_mmhg
        begun = np.where(self._above_since < 0, course.body.day, self._above_since)
        self._above_since = np.where(above, begun, -1)

    def stepped(self, patient: int, move: Move, course: Course) -> None:
        """Note how long a step up was waited for: since above target, or since the last change."""
        self.steps[patient] += 1
        if _raises(move) and self._above_since[patient] >= 0:
            since = max(int(self._above_since[patient]), int(course.changed[patient]))
            self.waited.append(float(course.body.day - since))


def run(
    arm: Arm,
    world: World,
    patients: int,
    *,
    days: int,
    seed: int,
    predictor: Predictor | None = None,
) -> tuple[Outcomes, Work]:
    """Return the outcomes and the work of one arm; the deterministic titrator ranks by default."""
    course = Course(patients, world, seed)
    clinic = _Clinic(arm, course, predictor or Titrator(), seed)
    count = DayCount(course)
    for day in range(days):
        last = day // arm.cadence_days * arm.cadence_days
        if day == last:
            clinic.decide(range(patients))
        elif not arm.visits:
            clinic.attend_the_sick()
        clinic.carry_out_reviewed()
        following = last + arm.cadence_days
        course.live(measuring=day >= following - WINDOW_DAYS, next_decision=following)
        count.day(course)
        clinic.work.day(course)
    count.moves += clinic.work.steps.astype(np.int64)
    return count.outcomes(course, days), clinic.work


class _Clinic:
    """One arm's decisions on its course."""

    def __init__(self, arm: Arm, course: Course, predictor: Predictor, seed: int) -> None:
        self.arm, self.course, self.predictor = arm, course, predictor
        self.work = Work(course.count)
        self.waiting: dict[int, tuple[int, Move]] = {}
        """The move of each patient that waits for its review, and the day of it."""
        self.plans: list[Envelope | None] = [None] * course.count
        self._chance = np.random.default_rng(seed + 3_000_017)
        self._asked_on = np.full(course.count, NEVER)

    def attend_the_sick(self) -> None:
        """Assess who reports a sick day, and who waits to take up again what was paused."""
        course, today = self.course, self.course.body.day
        resuming = sick_days.to_resume(course) & (
            (course.lab.day >= self._asked_on) | (today - self._asked_on >= WINDOW_DAYS)
        )
        reporting = (course.body.sickness.reported_on == today) & sick_days.to_pause(course)
        self._asked_on = np.where(resuming, today, self._asked_on)
        self.decide(np.flatnonzero(reporting | resuming).tolist())

    def decide(self, patients: Iterable[int]) -> None:
        """Assess them; steps alone begin today, reviewed ones once they are reviewed."""
        now = ENTRY + timedelta(days=self.course.body.day)
        follows = self._chance.random(self.course.count) >= self.arm.inertia
        alone: dict[int, Move] = {}
        for patient in patients:
            self.waiting.pop(patient, None)
            snapshot = _supplied(self.course.snapshot(patient), now)
            if self.arm.plans:
                self._sign(patient, snapshot, now)
            found = assess(snapshot, self.plans[patient], self.predictor, now, "simulated")
            self.work.alarmed(patient, found.alarms)
            if self.arm.visits:
                self.work.minutes[patient] += VISIT_MINUTES
            if found.proposal.move == KEEP:
                continue
            if found.proposal.path is Path.PATIENT:
                alone[patient] = _advised(found)
            else:
                self._ask(patient, found, follows=bool(follows[patient]))
        self.carry_out(alone, by_patient=True)

    def _ask(self, patient: int, found: Assessment, *, follows: bool) -> None:
        if not isinstance(found.verdict, Ask | Advise):
            return
        self.work.decisions[patient] += 1
        self.work.minutes[patient] += 0.0 if self.arm.visits else REVIEW_MINUTES
        if follows:
            due = self.course.body.day + REVIEW_DAYS
            self.waiting[patient] = (due, found.proposal.move)

    def _sign(self, patient: int, snapshot: Snapshot, now: datetime) -> None:
        """Sign a plan for the drugs taken, once there are any, and again when the drugs change."""
        bounds = tuple(
            DrugBounds(item.drug, FORMULARY[item.drug].rungs_ug) for item in snapshot.regimen
        )
        held = self.plans[patient]
        if not bounds or (held is not None and held.bounds == bounds):
            return
        if held is None:
            held = default_envelope(
                envelope_id=f"plan-{patient}",
                patient_id=snapshot.patient_id,
                bounds=bounds,
                target=TARGET,
                valid_from=now,
            )
        draft = replace(held, bounds=bounds, stage=Stage.BOUNDED_STEPS)
        self.plans[patient] = sign(draft, signed_by="clinician", signed_at=now)
        self.work.signatures[patient] += 1
        self.work.minutes[patient] += PLAN_MINUTES

    def carry_out_reviewed(self) -> None:
        """Put in force what is reviewed today; nobody pauses for a spell that is over."""
        today, ill = self.course.body.day, self.course.body.sickness.open
        ready = {p: move for p, (due, move) in self.waiting.items() if due == today}
        self.waiting = {p: held for p, held in self.waiting.items() if p not in ready}
        over = [p for p, m in ready.items() if m.kind is MoveKind.PAUSE and not ill[p]]
        self.carry_out({p: move for p, move in ready.items() if p not in over})

    def carry_out(self, moves: Mapping[int, Move], *, by_patient: bool = False) -> None:
        """Put moves in force today."""
        if not moves:
            return
        ordered, paused = self.course.doses_ug.copy(), self.course.paused_on != NEVER
        before = [len(held) for held in self.course.changes]
        for patient, move in moves.items():
            self.work.stepped(patient, move, self.course)
            self.work.alone[patient] += by_patient
            self.work.raised_alone[patient] += by_patient and _raises(move)
            for change in move.changes:
                at = patient, DRUGS.index(change.drug)
                paused[at] = move.kind is MoveKind.PAUSE
                # A paused drug stays on order at its dose.
                ordered[at] = ordered[at] if paused[at] else int(change.to_ug)
        self.course.prescribe(ordered, paused)
        for patient in moves if by_patient else ():
            plan = self.plans[patient]
            assert plan is not None
            self.course.changes[patient][before[patient] :] = [
                replace(made, by_patient=True, envelope_id=plan.envelope_id)
                for made in self.course.changes[patient][before[patient] :]
            ]


def _raises(move: Move) -> bool:
    """Say whether it is more than was ordered: to take a paused drug again is not."""
    return move.kind is not MoveKind.RESUME and any(
        change.to_ug > change.from_ug for change in move.changes
    )


def _advised(found: Assessment) -> Move:
    if not isinstance(found.verdict, Advise):  # a defect of the core: never carried out
        raise RuntimeError(f"a patient's step without advice: {found.verdict.kind}")
    return found.proposal.move


def _supplied(snapshot: Snapshot, now: datetime) -> Snapshot:
    """Give everyone tablets in hand: the simulator has no pharmacy."""
    return replace(snapshot, regimen=tuple(_stocked(item) for item in snapshot.regimen))


def _stocked(item: Prescription) -> Prescription:
    lowest = Micrograms(min(int(rung) for rung in FORMULARY[item.drug].ladder_ug))
    return replace(item, tablet_strength_ug=lowest, tablets_in_hand=_SUPPLY_TABLETS)


def compared(world: World, patients: int, *, days: int = 182, seed: int) -> Json:
    """Return every arm's work and outcomes, and whether the loops are as safe as the others."""
    found = {arm.name: run(arm, world, patients, days=days, seed=seed) for arm in ARMS}
    outcomes = {name: o for name, (o, _) in found.items()}
    ours = outcomes["the_loops"]
    minus = {
        name: {k: f.as_json() for k, f in summary.difference(ours, other).items()}
        for name, other in outcomes.items()
        if name != "the_loops"
    }
    low = "sbp_below_100_days_per_year"
    return {
        "world": world.name,
        "patients": patients,
        "days": days,
        "assumed": {
            "visit_minutes": VISIT_MINUTES,
            "review_minutes": REVIEW_MINUTES,
            "plan_minutes": PLAN_MINUTES,
            "review_days": REVIEW_DAYS,
            "usual_care_inertia": ARMS[0].inertia,
            "usual_care_days_between_visits": ARMS[0].cadence_days,
        },
        "arms": {name: _figures(o, w) for name, (o, w) in found.items()},
        "the_loops_minus": minus,
        "equally_safe_as": {
            n: bool(d[low]["high"] <= SAFETY_MARGIN_DAYS) for n, d in minus.items()
        },
    }


def _figures(outcomes: Outcomes, work: Work) -> Json:
    years = outcomes.days / DAYS_A_YEAR
    each = {
        "clinician_decisions_per_year": work.decisions / years,
        "plans_signed_per_year": work.signatures / years,
        "clinician_minutes_per_year": work.minutes / years,
        "alarms_per_year": work.alarms / years,
    }
    steps = work.steps.sum()
    waited = np.array(work.waited)
    return {
        **{name: summary.figure(values).as_json() for name, values in each.items()},
        "steps_alone_percent": round(100.0 * float(work.alone.sum() / max(steps, 1.0)), 1),
        "days_above_target_before_a_step_up": summary.figure(waited).as_json()
        if len(waited) > 1
        else None,
        **summary.figures(outcomes),
    }
