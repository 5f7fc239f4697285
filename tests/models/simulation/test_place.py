"""The same code on torch's arrays gives the same people and the same days as on numpy's."""

import numpy as np
import pytest
import torch

from models.simulation import place, trial
from models.simulation.course import Course
from models.simulation.legal import MoveBook
from models.simulation.place import CPU, Place
from models.simulation.policies import POLICIES
from models.simulation.trial import Design
from models.simulation.worlds import WORLDS

TORCH = Place(torch, "cpu")
# Doubles on both sides: sums in another order differ in the last digits only.
TOLERANCE_MMHG = 1e-6


def lived(where: Place) -> Course:
    """A treated cohort of the world with most spells, eight weeks on."""
    course = Course(400, WORLDS["shifted"], 7, where)
    for day in range(56):
        following = day // 28 * 28 + 28
        course.live(measuring=day >= following - 7, next_decision=following)
    return course


def test_body_home_readings_and_laboratory_are_the_same_on_both_paths() -> None:
    ours, theirs = lived(CPU), lived(TORCH)
    assert isinstance(theirs.body.latent_here(), torch.Tensor)
    for name in ("latent_systolic", "day_systolic", "latent_diastolic", "pulse", "untreated"):
        first, second = (getattr(course.body, name)() for course in (ours, theirs))
        np.testing.assert_allclose(first, second, rtol=0.0, atol=TOLERANCE_MMHG)
    for name in ("taking", "stopped", "took", "fainted"):
        np.testing.assert_array_equal(getattr(ours.body, name), getattr(theirs.body, name))
    for first, second in zip(ours.weeks, theirs.weeks, strict=True):
        np.testing.assert_array_equal(first.systolic, second.systolic)
        np.testing.assert_array_equal(first.diastolic, second.diastolic)
    for name in ("potassium", "sodium", "egfr", "creatinine", "day"):
        np.testing.assert_array_equal(getattr(ours.lab, name), getattr(theirs.lab, name))


def test_a_whole_trial_comes_out_the_same_on_both_paths() -> None:
    ours, theirs = (
        trial.run(
            POLICIES["filter"], WORLDS["shifted"], Design(120, 84, 28, where=where), 3, MoveBook()
        )
        for where in (CPU, TORCH)
    )
    for name in ("in_target_days", "below_100_days", "symptomatic", "moves"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    np.testing.assert_allclose(
        ours.last_systolic, theirs.last_systolic, rtol=0.0, atol=TOLERANCE_MMHG
    )


def test_a_gpu_is_taken_where_there_is_one_and_numpy_where_there_is_none() -> None:
    assert place.place("cpu") is CPU
    found = place.place("auto")
    assert (found is CPU) is not torch.cuda.is_available()
    assert place.place("cpu:0").of(np.zeros(2)).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is at hand")
def test_a_gpu_lives_the_same_days() -> None:
    ours, theirs = lived(CPU), lived(Place(torch, "cuda"))
    np.testing.assert_allclose(
        ours.body.latent_systolic(), theirs.body.latent_systolic(), rtol=0.0, atol=TOLERANCE_MMHG
    )
