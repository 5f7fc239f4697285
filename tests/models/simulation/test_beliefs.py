"""The cohort's filter is the record's filter: same readings, same posterior."""

from datetime import timedelta

import numpy as np
import pytest

from models import dosage
from models.simulation.beliefs import Beliefs
from models.simulation.course import Course
from models.simulation.legal import ENTRY
from models.simulation.worlds import WORLDS


def test_the_arrays_agree_with_the_filter_of_one_snapshot() -> None:
    course = Course(40, WORLDS["literature"], 6)
    beliefs = Beliefs(course)
    beliefs.read_week(course)
    now = ENTRY + timedelta(days=course.body.day)
    for patient in range(course.count):
        snapshot = course.snapshot(patient)
        if not course.weeks[-1].present[patient].all():
            continue
        # Without the casual reading of the standing check, which the record has beside the week.
        alone = dosage.observe(snapshot, now=now)
        assert beliefs.mean[patient, 0] == pytest.approx(alone.mean[0], abs=1.5)
        assert beliefs.mean[patient, 1:] == pytest.approx(alone.mean[1:], abs=0.1)


def test_readings_narrow_what_is_believed_and_time_widens_it() -> None:
    course = Course(200, WORLDS["literature"], 6)
    beliefs = Beliefs(course)
    before = beliefs.covariance[:, 0, 0].copy()
    beliefs.read_week(course)
    after = beliefs.covariance[:, 0, 0].copy()
    for _ in range(37):
        course.live(measuring=False, next_decision=99)
        beliefs.live(course)
    course.weeks[-1].present[:] = False
    beliefs.read_week(course)
    read = beliefs.days_read > 0
    assert (after[read] < before[read]).all()
    assert (beliefs.covariance[read, 0, 0] > after[read]).all()


def test_the_untreated_level_is_learned_without_bias() -> None:
    course = Course(1_500, WORLDS["literature"], 6)
    beliefs = Beliefs(course)
    beliefs.read_week(course)
    free = ~course.on_treatment & (beliefs.days_read > 4)
    error = beliefs.mean[free, 0] - course.body.untreated()[free]
    assert np.mean(error) == pytest.approx(0.0, abs=1.0)
