"""One order of features, the same of a snapshot and of a simulated cohort; missing is average."""

from datetime import timedelta

import numpy as np
import pytest

from models import dosage, features
from models.features import FEATURES, RECORD_FEATURES
from models.simulation.beliefs import Beliefs
from models.simulation.course import Course
from models.simulation.legal import ENTRY
from models.simulation.windows import seen
from models.simulation.worlds import WORLDS
from services.signals.wearable import WEARABLE_ORDER
from tests.models.patients import NOW, snapshot


def test_the_record_comes_first_then_the_wearable_in_its_own_order() -> None:
    assert FEATURES[len(RECORD_FEATURES) :] == WEARABLE_ORDER
    assert "heart_rate_dip_fraction" in WEARABLE_ORDER and "rest_night_fraction" in WEARABLE_ORDER
    assert len(set(FEATURES)) == len(FEATURES)


def test_another_meaning_of_a_wearable_feature_is_another_version_for_the_models() -> None:
    """A trained model, its cohort and its edge bundle refuse features of another version."""
    assert features.FEATURE_VERSION == "record-2+signals-2+course-1"


def test_a_snapshot_and_the_cohort_have_the_same_features() -> None:
    course = Course(40, WORLDS["literature"], 5)
    beliefs, week = Beliefs(course), course.averages()
    beliefs.read_week(course)
    many = seen(course, week, beliefs)
    worn = many[:, len(RECORD_FEATURES) :]
    assert worn.any(1).any() and not worn.any(1).all(), "some wear a device and some none"
    now = ENTRY + timedelta(days=course.body.day)
    # The filter's own state differs a little: the record has the standing check's reading too.
    loose = [RECORD_FEATURES.index(n) for n in ("untreated_mmhg", "surprise_mmhg")]
    exact = [at for at in range(len(FEATURES)) if at not in loose]
    for patient in range(course.count):
        held = course.snapshot(patient)
        one = features.of_snapshot(held, dosage.observe(held, now=now), now=now)[0]
        assert one[exact] == pytest.approx(many[patient][exact], abs=0.06), FEATURES
        assert one[loose] == pytest.approx(many[patient][loose], abs=0.4)


def test_an_empty_record_is_average_and_no_value_leaves_the_bounds() -> None:
    empty = snapshot([])
    seen = features.of_snapshot(empty, dosage.observe(empty, now=NOW), now=NOW)
    assert np.isfinite(seen).all() and np.abs(seen).max() <= 3.0
    assert seen[0, RECORD_FEATURES.index("egfr_ml_min")] == 0.0


def test_what_was_never_learned_is_not_seen() -> None:
    wild = np.full((1, len(FEATURES)), 2.0)
    held = features.masked(wild, wearable=False)
    assert (held[0, len(RECORD_FEATURES) :] == 0.0).all()
    assert (held[0, : len(RECORD_FEATURES)] == 2.0).all()
    assert features.masked(wild, wearable=True) is wild
