"""A sick day pauses what harms a dry kidney, at once; it comes back on its date, after labs."""

from dataclasses import replace

import numpy as np

from models.simulation.course import Course
from models.simulation.legal import DRUGS
from models.simulation.sick_days import SickDays
from models.simulation.sickness import NEVER
from models.simulation.worlds import WORLDS
from services.clinical.formulary import drug_class
from services.clinical.regimen import RESUME_AFTER, SICK_DAY_CLASSES

WORLD = replace(WORLDS["literature"], sick_spells_per_year=6.0, untreated_at_entry=0.1)
HARMFUL = [p for p, drug in enumerate(DRUGS) if drug_class(drug) in SICK_DAY_CLASSES]


def test_every_morning_keeps_the_rules_of_a_sick_day() -> None:
    course = Course(120, WORLD, 4)
    sick_days = SickDays(course)
    resumed = 0
    for day in range(84):
        ordered, was = course.doses_ug.copy(), course.paused_on.copy()
        sick_days.attend()
        ill = course.body.sickness.open
        taken = course.taken_ug
        assert not taken[ill][:, HARMFUL].any(), "nobody ill takes what harms a dry kidney"
        back = (was != NEVER) & (course.paused_on == NEVER)
        assert not back[ill].any()
        for patient in np.flatnonzero(back.any(1)):
            resumed += 1
            last = max(was[patient].max(), course.body.sickness.reported_on[patient])
            assert course.body.day >= was[patient].max() + RESUME_AFTER.days
            assert course.lab.day[patient] >= last, "blood was drawn since the sick day"
        others = [p for p in range(len(DRUGS)) if p not in HARMFUL]
        assert (course.paused_on[:, others] == NEVER).all()
        assert np.array_equal(course.doses_ug, ordered), "what is paused stays on order"
        weeks = day // 28 * 28 + 28
        course.live(measuring=day >= weeks - 7, next_decision=weeks)
    assert sick_days.paused > 40 and resumed == sick_days.resumed > 20


def test_a_pause_and_a_resumption_are_changes_on_record() -> None:
    course = Course(60, WORLD, 4)
    patient = int(np.flatnonzero((course.taken_ug[:, HARMFUL] > 0).any(1))[0])
    sick_days = SickDays(course)
    course.body.sickness.open[patient] = True
    course.body.sickness.reported_on[patient] = course.body.day
    sick_days.attend()
    paused = course.snapshot(patient)
    assert any(item.paused_since == paused.as_of for item in paused.regimen)
    assert [c.to_ug for c in paused.changes] == [0] * len(paused.changes) != []
    assert course.changed[patient] == course.body.day
    assert not course.body.prescribed[patient, HARMFUL].any()


def test_who_has_nothing_to_take_misses_nothing() -> None:
    course = Course(200, WORLDS["poor_adherence"], 2)
    nothing = ~course.on_treatment
    assert (course.taken_share()[nothing] == 1.0).all()
    assert (course.taken_share()[~nothing] < 1.0).any()
