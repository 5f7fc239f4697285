"""A simulated wearable shows what one could of those who wear it, and nothing that is hidden."""

import numpy as np

from models.features import FEATURES, RECORD_FEATURES
from models.literature import CLASSES
from models.simulation.beliefs import Beliefs
from models.simulation.body import Body
from models.simulation.course import Course
from models.simulation.people import People, draw
from models.simulation.wearable import Wearable
from models.simulation.windows import seen
from models.simulation.worlds import WORLDS
from services.clinical.formulary import DrugClass
from services.signals.wearable import WEARABLE_ORDER

WORLD = WORLDS["literature"]


def people(count: int = 4_000, seed: int = 1) -> People:
    return draw(count, WORLD, np.random.default_rng(seed))


def worn(held: People, dose: dict[DrugClass, float] | None = None) -> tuple[Wearable, Body]:
    body = Body(held, WORLD, np.random.default_rng(2))
    for cls, standard in (dose or {}).items():
        body.prescribed[:, CLASSES.index(cls)] = standard
    body.settle()
    body.live()
    wearable = Wearable(body, np.random.default_rng(3))
    wearable.measure()
    return wearable, body


def feature(wearable: Wearable, name: str) -> np.ndarray:
    return wearable.features[:, WEARABLE_ORDER.index(name)]


def related(first: np.ndarray, second: np.ndarray) -> float:
    known = np.isfinite(first) & np.isfinite(second)
    return float(np.corrcoef(first[known], second[known])[0, 1])


def test_many_wear_none_and_of_a_worn_day_not_all_can_be_measured() -> None:
    wearable, _ = worn(people())
    shares = {name: np.isfinite(feature(wearable, name)).mean() for name in WEARABLE_ORDER}
    assert 0.45 < shares["heart_rate_bpm"] < 0.65
    assert 0.1 < shares["pulse_arrival_ms"] < shares["pulse_rise_ms"] < shares["heart_rate_bpm"]
    old = people().age > 75
    assert np.isfinite(feature(wearable, "rest"))[old].mean() < shares["rest"] - 0.05


def test_the_old_move_less_vary_less_and_dip_less_and_so_does_who_takes_a_beta_blocker() -> None:
    held = people()
    wearable, _ = worn(held)
    age, dip = held.age.astype(float), feature(wearable, "heart_rate_dip_fraction")
    for values in (feature(wearable, "motion_deviation_g"), feature(wearable, "rmssd_ms"), dip):
        assert related(values, age) < -0.15
    assert 0.10 < np.nanmean(dip) < 0.20, "a dip of 10-20 % is usual (ESH 2014)"
    slowed, _ = worn(held, {DrugClass.BETA_BLOCKER: 1.0})
    assert np.nanmean(feature(slowed, "heart_rate_dip_fraction")) < np.nanmean(dip) - 0.01
    assert np.nanmean(feature(slowed, "heart_rate_bpm")) < np.nanmean(
        feature(wearable, "heart_rate_bpm") - 6.0
    )


def test_what_is_hidden_in_a_patient_changes_no_feature() -> None:
    held, other = people(), people()
    for hidden in ("sensitivity", "symptom_threshold", "effect_factor", "cuff_bias", "omission"):
        values = getattr(other, hidden)
        values[:] = values[::-1].copy()
    ours, theirs = worn(held)[0], worn(other)[0]
    assert not np.array_equal(held.sensitivity, other.sensitivity)
    np.testing.assert_array_equal(ours.features, theirs.features)


def test_the_pulse_wave_tells_little_of_the_level_that_treatment_is_chosen_by() -> None:
    """As the recordings have it: no better than carrying the last cuff reading forward."""
    wearable, body = worn(people())
    level = body.untreated()
    for name in WEARABLE_ORDER:
        if np.nanstd(feature(wearable, name)) > 0.0:
            assert abs(related(feature(wearable, name), level)) < 0.25, name


def test_every_feature_lies_within_its_public_scale_in_most() -> None:
    course = Course(600, WORLD, 4)
    beliefs, week = Beliefs(course), course.averages()
    beliefs.read_week(course)
    x = seen(course, week, beliefs)[:, len(RECORD_FEATURES) :]
    known = np.isfinite(course.wearable.features)
    assert x.shape[1] == len(FEATURES) - len(RECORD_FEATURES)
    assert (x[~known] == 0.0).all(), "not worn is average to the network"
    for place, name in enumerate(WEARABLE_ORDER):
        inside = np.abs(x[known[:, place], place]) < 2.9
        assert inside.mean() > 0.95, name


def test_a_day_is_measured_once_for_a_decision_and_the_same_under_every_policy() -> None:
    first, second = Course(80, WORLD, 5), Course(80, WORLD, 5)
    second.prescribe(np.zeros_like(second.doses_ug))
    for day in range(28):
        for course in (first, second):
            course.live(measuring=day >= 21, next_decision=28)
    moved = WEARABLE_ORDER.index("motion_deviation_g")
    np.testing.assert_array_equal(
        first.wearable.features[:, moved], second.wearable.features[:, moved]
    )
