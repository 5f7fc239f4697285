"""Drift: effects are counted only where they say something, and chance alone is no drift."""

from dataclasses import replace
from math import ceil, floor
from random import Random

import pytest
from scipy.stats import binom

from services.clinical.assessment import Assessment, assess
from services.clinical.drift import (
    COUNTED_FOR,
    SHOWN_AFTER,
    Effect,
    effect_of,
    has_drifted,
    measured_bounds,
)
from services.clinical.moves import KEEP, Move
from services.clinical.patient import Adherence, Snapshot
from services.clinical.plans import PLAN_LIFE
from services.clinical.rules_autonomy import DEFAULT_INTERVAL_DAYS
from services.clinical.titration import Titrator
from tests.services.clinical.examples import NOW, snapshot, week

BEFORE = 152


def made(seen: Snapshot) -> Assessment:
    return assess(seen, None, Titrator(), NOW, "q")


RANKED_IN = made(snapshot(readings=week(BEFORE)))
STEP = RANKED_IN.ranking.moves[0]
assert RANKED_IN.average.kind == "sufficient"
SE_TENTHS = RANKED_IN.average.systolic_se_tenths


def came_to(systolic: int, move: Move = STEP.move, **changes: object) -> Effect:
    seen = replace(snapshot(readings=week(systolic)), **changes)  # type: ignore[arg-type]
    return effect_of(move, RANKED_IN, seen, made(seen))


def test_an_effect_is_held_against_the_bounds_of_its_ranking() -> None:
    se = SE_TENTHS
    low, high = measured_bounds(STEP, before_se_tenths=se, after_se_tenths=se)
    assert came_to(BEFORE + int(low / 10) - 2) is Effect.MORE_FALL
    assert came_to(BEFORE + int(low / 10) + 1) is Effect.AS_EXPECTED
    assert came_to(BEFORE + int(high / 10) - 1) is Effect.AS_EXPECTED
    assert came_to(BEFORE + int(high / 10) + 2) is Effect.LESS_FALL


def test_the_scatter_of_both_windows_and_of_the_time_between_widens_the_bounds() -> None:
    ranked = replace(
        STEP,
        expected_systolic_change_tenths=-100,
        expected_low_tenths=-130,
        expected_high_tenths=-60,
    )
    low, high = measured_bounds(ranked, before_se_tenths=0, after_se_tenths=0)
    assert (round(low, 1), round(high, 1)) == (-144.8, -47.9)
    wider = measured_bounds(ranked, before_se_tenths=30, after_se_tenths=40)
    other = measured_bounds(ranked, before_se_tenths=40, after_se_tenths=30)
    assert [round(bound, 1) for bound in wider] == [-178.2, -17.4]
    assert wider == other


def test_the_bounds_themselves_are_as_expected() -> None:
    average = RANKED_IN.average
    assert average.kind == "sufficient"
    low, high = measured_bounds(
        STEP,
        before_se_tenths=average.systolic_se_tenths,
        after_se_tenths=average.systolic_se_tenths,
    )
    for change, beyond in (
        (ceil(low), Effect.AS_EXPECTED),
        (ceil(low) - 1, Effect.MORE_FALL),
        (floor(high), Effect.AS_EXPECTED),
        (floor(high) + 1, Effect.LESS_FALL),
    ):
        after = replace(average, systolic_tenths=average.systolic_tenths + change)
        found = effect_of(STEP.move, RANKED_IN, snapshot(), replace(RANKED_IN, average=after))
        assert found is beyond


@pytest.mark.parametrize(
    ("adherence", "counts"),
    [
        (None, False),
        (Adherence(0, 0), False),
        (Adherence(79, 99), False),
        (Adherence(1, 1), True),
        (Adherence(80, 100), True),
    ],
)
def test_what_was_not_taken_says_nothing_of_a_model(
    adherence: Adherence | None, counts: bool
) -> None:
    found = came_to(BEFORE, adherence=adherence)
    assert (found is not Effect.NOT_COUNTED) is counts


def test_a_move_that_was_not_ranked_or_not_measured_is_not_counted() -> None:
    kept = replace(
        RANKED_IN,
        ranking=replace(
            RANKED_IN.ranking,
            moves=tuple(item for item in RANKED_IN.ranking.moves if item.move != KEEP),
        ),
    )
    seen = snapshot(readings=week(140))
    assert effect_of(KEEP, kept, seen, made(seen)) is Effect.NOT_COUNTED
    unmeasured = made(snapshot(readings=()))
    assert effect_of(STEP.move, RANKED_IN, seen, unmeasured) is Effect.NOT_COUNTED
    assert effect_of(STEP.move, unmeasured, seen, made(seen)) is Effect.NOT_COUNTED


def test_a_step_is_looked_at_with_the_next_titration_window_for_as_long_as_a_plan_lives() -> None:
    assert SHOWN_AFTER.days == DEFAULT_INTERVAL_DAYS
    assert COUNTED_FOR == PLAN_LIFE


def test_no_count_and_few_counts_are_no_drift() -> None:
    assert not has_drifted({})
    assert not has_drifted({Effect.LESS_FALL: 4})
    assert has_drifted({Effect.LESS_FALL: 5})
    assert not has_drifted({Effect.NOT_COUNTED: 500})


@pytest.mark.parametrize("side", [Effect.MORE_FALL, Effect.LESS_FALL])
@pytest.mark.parametrize("total", [5, 20, 100, 500, 3_000])
def test_the_limit_is_the_exact_binomial_one_on_either_side(side: Effect, total: int) -> None:
    limit = next(n for n in range(total + 1) if binom.sf(n - 1, total, 0.2) <= 0.001)
    assert has_drifted({side: limit, Effect.AS_EXPECTED: total - limit})
    assert not has_drifted({side: limit - 1, Effect.AS_EXPECTED: total - limit + 1})


def test_bounds_that_keep_their_word_are_not_called_drifted_however_often_one_looks() -> None:
    chance = Random(7)
    for _ in range(50):
        counts = dict.fromkeys(Effect, 0)
        for _ in range(200):
            place = chance.random()
            side = Effect.MORE_FALL if place < 0.1 else Effect.LESS_FALL
            counts[side if place < 0.2 else Effect.AS_EXPECTED] += 1
            assert not has_drifted(counts)
