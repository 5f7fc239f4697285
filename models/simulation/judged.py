"""The guard on simulated moves: a course flattened to facts, its rules evaluated on arrays."""

from typing import Final

import numpy as np

from models.simulation.course import LOG_DAYS, NEVER_MOVED, Course
from models.simulation.home import Averages, Week
from models.simulation.legal import (
    DRUGS,
    ENTRY,
    SYMPTOM_OF_DRUG,
    MoveBook,
    Offered,
    Situation,
    example,
    proposal,
)
from models.simulation.logic_arrays import ArrayFacts, Key, speaking
from models.simulation.people import Bools, Ints
from models.simulation.sickness import NEVER
from services.clinical.facts import CONDITIONS, DRUG_PLACE, SYMPTOMS
from services.clinical.facts import facts as read_facts
from services.clinical.guard import RULES
from services.clinical.history import (
    CRISIS_DIASTOLIC_MMHG,
    CRISIS_SYSTOLIC_MMHG,
    NEVER_DAYS,
    STANDING_MAX_AGE,
)
from services.clinical.laboratory import CHECK_AFTER, RESPONSE_REACH
from services.clinical.moves import KEEP
from services.clinical.patient import Symptom
from services.clinical.verdict import Strength

OVERRIDDEN: Final = frozenset({"resistant"})
"""What the simulated clinician passes with a reason: a fourth drug once causes were looked for."""
CLINICIAN_RULES: Final = tuple(
    rule
    for rule in RULES
    if rule.strength is not Strength.AUTONOMY and rule.rule_id not in OVERRIDDEN
)

_NONE: Final = tuple(False for _ in DRUGS)
_TEMPLATE: Final = read_facts(
    example(Situation(tuple(0 for _ in DRUGS), _NONE, _NONE, False, False, 2, False)),
    proposal(KEEP),
    None,
    ENTRY,
)
_MOVE_FIELDS: Final = (
    "keep",
    "pauses",
    "resumes",
    "swap_stronger",
    "malformed",
    "mismatch",
    "drugs_changed",
    "rungs_raised",
    "rungs_lowered",
)

Option = tuple[Ints, Bools]


class Flattened:
    """Facts of all judgements of one decision; constants of the template have length one."""

    def __init__(self, course: Course, week: Averages, book: MoveBook, offered: Offered) -> None:
        self.flags: dict[Key, Bools] = {}
        self.numbers: dict[Key, Ints] = {}
        self.options: dict[str, Option] = {}
        self._patient = offered.patient
        _template_into(self)
        self._person(course)
        self._history(course, week)
        self._laboratory(course)
        self._move(book, offered.row)

    def arrays(self) -> ArrayFacts:
        """Return the facts as the evaluator takes them."""
        return ArrayFacts(len(self._patient), self.flags, self.numbers, self.options)

    def _flag(self, name: str, values: Bools, index: int | None = None) -> None:
        self.flags[name, index] = values[self._patient]

    def _number(self, name: str, values: Ints, index: int | None = None) -> None:
        self.numbers[name, index] = values[self._patient]

    def _option(self, name: str, values: Ints, known: Bools) -> None:
        self.options[name] = (values[self._patient], known[self._patient])

    def _person(self, course: Course) -> None:
        people = course.people
        everyone = np.ones(course.count, dtype=np.bool_)
        self._option("age", people.age, everyone)
        self._option("female", people.female.astype(np.int64), everyone)
        self._option("pregnancy_risk", people.pregnancy_risk.astype(np.int64), everyone)
        for condition, has in course.conditions().items():
            self._flag("condition", has, CONDITIONS.index(condition))
        reported = course.reported()
        for symptom in set(SYMPTOM_OF_DRUG):
            places = [p for p, s in enumerate(SYMPTOM_OF_DRUG) if s is symptom]
            self._flag("symptom", np.asarray(reported[:, places].any(1)), SYMPTOMS.index(symptom))
        self._flag("symptom", course.faint, SYMPTOMS.index(Symptom.DIZZINESS))
        sick = SYMPTOMS.index(Symptom.VOMITING_OR_DIARRHOEA)
        self._flag("symptom", course.body.sickness.open, sick)
        for place, drug in enumerate(DRUGS):
            self._flag("intolerant", course.intolerant[:, place], DRUG_PLACE[drug])
            self._number("before", course.taken_ug[:, place], DRUG_PLACE[drug])
        self._number("drug_count", (course.doses_ug > 0).sum(1))
        self._option("adherence_percent", 100 * course.log.sum(1) // LOG_DAYS, course.on_treatment)

    def _history(self, course: Course, week: Averages) -> None:
        today, latest = course.body.day, course.weeks[-1]
        self._flag("average_known", week.known)
        for name, values in (
            ("mean_systolic", week.systolic),
            ("mean_diastolic", week.diastolic),
            ("lower_systolic", week.systolic_lower),
            ("lower_diastolic", week.diastolic_lower),
        ):
            self._option(name, values, week.known)
        self._option("typed_readings", np.zeros_like(week.systolic), week.known)
        self._flag("two_windows", week.two_windows)
        self._option("lowest_systolic", *_lowest(latest))
        self._flag("crisis_recent", _crisis(latest))
        self._option("heart_rate", latest.pulse, latest.checked)
        drop, fall, standing, known = _standing(course.weeks, today)
        self._option("standing_drop_systolic", drop, known)
        self._option("standing_drop_diastolic", fall, known)
        self._option("standing_systolic", standing, known)
        self._number("days_since_change", _since(course.changed, today))
        self._number("days_since_slow_change", _since(course.slow_changed, today))

    def _laboratory(self, course: Course) -> None:
        lab, today = course.lab, course.body.day
        everyone = np.ones(course.count, dtype=np.bool_)
        # Blood is drawn at noon, decisions are made at three: a day less than the difference.
        age = today - lab.day - 1
        for name, values in (("potassium", lab.potassium), ("sodium", lab.sodium)):
            self._option(name, values, everyone)
            self._option(f"{name}_age", age, everyone)
        self._option("creatinine", lab.creatinine, everyone)
        self._option("egfr", lab.egfr, everyone)
        self._option("egfr_age", age, everyone)
        watched = lab.watched_rise > NEVER
        self._flag("renal_check_due", watched & (lab.day < lab.watched_rise + CHECK_AFTER.days))
        # Noon of the day of the pause or the report is later than its morning.
        since_pause = lab.day >= course.ill_until
        for name in ("potassium", "sodium", "egfr"):
            self._flag(f"{name}_since_pause", since_pause)
        raised = (lab.ras_rise > NEVER) & (today - lab.ras_rise <= RESPONSE_REACH.days)
        self._flag("ras_raised", raised)
        known = raised & (lab.day >= lab.ras_rise)
        for name, base, value, sign in (
            ("egfr_fall", lab.base_egfr, lab.egfr, -1),
            ("creatinine_rise", lab.base_creatinine, lab.creatinine, 1),
        ):
            change = sign * (value - base)
            self._option(name, -(-change * 1000 // base), known)

    def _move(self, book: MoveBook, rows: Ints) -> None:
        for name in _MOVE_FIELDS:
            column = book.column(name)[rows]
            if column.dtype == np.bool_:
                self.flags[name, None] = np.asarray(column, dtype=np.bool_)
            else:
                self.numbers[name, None] = np.asarray(column, dtype=np.int64)
        after, paused = book.column("after"), book.column("paused")
        for drug in DRUGS:
            place = DRUG_PLACE[drug]
            self.numbers["after", place] = np.asarray(after[rows, place], dtype=np.int64)
            self.flags["paused", place] = np.asarray(paused[rows, place], dtype=np.bool_)


def allowed(course: Course, week: Averages, book: MoveBook, offered: Offered) -> Bools:
    """Return which offered moves no rule speaks against when a clinician decides."""
    arrays = Flattened(course, week, book, offered).arrays()
    return np.asarray(~speaking(arrays, CLINICIAN_RULES).any(0))


def _template_into(flat: Flattened) -> None:
    """Every fact as the core reads it of an example patient; what varies is set over it."""
    for record in _TEMPLATE:
        for name in record._fields:
            value = getattr(record, name)
            kind = _kind(record, name)
            if kind == "flag":
                flat.flags[name, None] = np.array([value])
            elif kind == "number":
                flat.numbers[name, None] = np.array([value])
            elif kind == "option":
                flat.options[name] = (np.array([value or 0]), np.array([value is not None]))
            elif kind == "tuple":
                for index, cell in enumerate(value):
                    table = flat.flags if isinstance(cell, bool) else flat.numbers
                    table[name, index] = np.array([cell])


def _kind(record: tuple[object, ...], name: str) -> str:
    declared = str(type(record).__annotations__[name])
    for text, kind in (("None", "option"), ("tuple", "tuple"), ("bool", "flag"), ("int", "number")):
        if text in declared:
            return kind
    return "other"


def _lowest(week: Week) -> Option:
    far = np.where(week.present, week.systolic, 999).min((1, 2))
    lowest = np.minimum(far, np.where(week.checked, week.sitting[0], 999))
    return lowest, lowest < 999


def _crisis(week: Week) -> Bools:
    """In the last 24 hours: the last day of the week."""
    high = (week.systolic[:, -1] >= CRISIS_SYSTOLIC_MMHG) | (
        week.diastolic[:, -1] >= CRISIS_DIASTOLIC_MMHG
    )
    return np.asarray((high & week.present[:, -1]).any(1))


def _standing(weeks: list[Week], today: int) -> tuple[Ints, Ints, Ints, Bools]:
    count = len(weeks[-1].checked)
    drop, fall, standing = (np.zeros(count, dtype=np.int64) for _ in range(3))
    known = np.zeros(count, dtype=np.bool_)
    for week in weeks:
        if today - week.check_day <= STANDING_MAX_AGE.days:
            take, upright, seated = week.checked, week.standing, week.sitting
            drop = np.where(take, seated[0] - upright[0], drop)
            fall = np.where(take, seated[1] - upright[1], fall)
            standing = np.where(take, upright[0], standing)
            known = known | take
    return drop, fall, standing, known


def _since(day: Ints, today: int) -> Ints:
    return np.where(day == NEVER_MOVED, NEVER_DAYS, today - day)
