"""One simulated patient's chart: the course as the clinical core sees people."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from models.simulation.home import Week
from models.simulation.legal import (
    ENTRY,
    TARGET,
    intolerances,
    prescriptions,
    reading,
    reports,
    sick_report,
)
from models.simulation.sickness import NEVER
from services.clinical.patient import (
    Adherence,
    ConsentPurpose,
    Lab,
    LabResult,
    Pregnancy,
    Sex,
    Snapshot,
    SymptomReport,
)
from services.clinical.readings import BloodPressure, Posture
from services.clinical.windows import WINDOW_DAYS
from services.signals.wearable import WEARABLE_VERSION

if TYPE_CHECKING:
    from models.simulation.course import Course

# Seven in the morning and in the evening, entry being at three.
_SLOTS: Final = tuple(timedelta(hours=h, minutes=m) for h in (4, 16) for m in (0, 1))


def snapshot(course: "Course", patient: int) -> Snapshot:
    """Return the patient as the clinical core sees people, this morning."""
    people, now = course.people, morning(course.body.day)
    since = tuple(morning(int(day)) for day in course.since[patient])
    paused = tuple(None if day == NEVER else morning(day) for day in course.paused_on[patient])
    worn = course.wearable.of(patient)
    taken, due = int(course.log[patient].sum()), course.log.shape[1]
    return Snapshot(
        patient_id="simulated",
        as_of=now,
        birth_date=date(ENTRY.year - int(people.age[patient]), 1, 1),
        sex=Sex.FEMALE if people.female[patient] else Sex.MALE,
        deceased=False,
        consent=frozenset(ConsentPurpose),
        regimen=prescriptions(tuple(course.doses_ug[patient].tolist()), since, paused),
        other_medicines=(),
        medicines_complete=True,
        conditions=frozenset(c for c, has in course.conditions().items() if has[patient]),
        conditions_complete=True,
        intolerances=intolerances(tuple(course.intolerant[patient].tolist())),
        intolerances_complete=True,
        pregnancy=Pregnancy.POSSIBLE if people.pregnancy_risk[patient] else Pregnancy.NOT_PREGNANT,
        labs=_labs(course, patient),
        pending_labs=(),
        readings=_readings(course, patient),
        symptoms=_symptoms(course, patient, now),
        adherence=Adherence(taken, due) if course.doses_ug[patient].any() else None,
        weights=(),
        changes=tuple(course.changes[patient]),
        target=TARGET,
        open_alarm=False,
        halted=False,
        wearable_features=worn,
        wearable_version=WEARABLE_VERSION if worn else None,
    )


def morning(day: int) -> datetime:
    """Return the moment at which decisions of that day are made."""
    return ENTRY + timedelta(days=int(day))


def _symptoms(course: "Course", patient: int, now: datetime) -> tuple[SymptomReport, ...]:
    marks = tuple(course.body.symptoms(slice(patient, patient + 1))[0].tolist())
    found = reports(marks, fainted=bool(course.faint[patient]), now=now)
    sickness = course.body.sickness
    reported_on = int(sickness.reported_on[patient])
    if reported_on == NEVER:
        return found
    return (*found, sick_report(morning(reported_on), still=bool(sickness.open[patient])))


def _labs(course: "Course", patient: int) -> tuple[LabResult, ...]:
    tests = (Lab.POTASSIUM, Lab.SODIUM, Lab.EGFR, Lab.CREATININE)
    return tuple(
        LabResult(test, int(value[patient]), morning(day) + timedelta(hours=9))
        for drawn, day, *values in course.lab.history
        if drawn[patient]
        for test, value in zip(tests, values, strict=True)
    )


def _readings(course: "Course", patient: int) -> tuple[BloodPressure, ...]:
    found: list[BloodPressure] = []
    for week in course.weeks:
        over = week.first_day + WINDOW_DAYS <= course.body.day
        held = week.charted.get(patient)
        if held is None:
            held = sorted(_of_week(week, patient), key=lambda r: r.taken_at)
            if over:  # a week that is over stays as it is, and is asked for again
                week.charted[patient] = held
        found += held
    return tuple(found)


def _of_week(week: Week, patient: int) -> list[BloodPressure]:
    found = []
    systolic, diastolic = week.systolic[patient], week.diastolic[patient]
    for day, slot in np.argwhere(week.present[patient]).tolist():
        at = morning(week.first_day + day) + _SLOTS[slot]
        found.append(reading(at, int(systolic[day, slot]), int(diastolic[day, slot]), None))
    return found + _standing_check(week, patient) if week.checked[patient] else found


def _standing_check(week: Week, patient: int) -> list[BloodPressure]:
    at = morning(week.check_day) + timedelta(hours=10)
    pulse = int(week.pulse[patient])
    sitting = [int(v[patient]) for v in week.sitting]
    standing = [int(v[patient]) for v in week.standing]
    first = reading(at, sitting[0], sitting[1], pulse)
    second = reading(at + timedelta(minutes=3), standing[0], standing[1], pulse)
    fields = {name: getattr(second, name) for name in second.__slots__}
    return [first, BloodPressure(**{**fields, "posture": Posture.STANDING_3_MIN})]
