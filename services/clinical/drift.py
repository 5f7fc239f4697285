"""Drift: whether steps still do to the pressure what the ranker in charge said that they would.

Every ranked move carries bounds that hold its effect 80 times in 100. What is measured of an effect
is the difference of two windows, which vary by themselves; with that added, one difference in ten
lies below the bounds and one in ten above. Counted over all patients of a model, many more on one
side say that the model, or the people it meets, are no longer as they were.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from math import exp, fsum, hypot, lgamma, log

from services.clinical.assessment import Assessment
from services.clinical.averaging import SufficientAverage
from services.clinical.moves import Move
from services.clinical.patient import Snapshot
from services.clinical.proposal import RankedMove

# A step has shown its effect by the next titration window, and the record of half a year counts,
# as long as a plan lives. Source: titrator rule 7, CLINICAL §5 [D].
SHOWN_AFTER = timedelta(days=28)
COUNTED_FOR = timedelta(days=182)
# Half the width of an 80 % interval in standard deviations.
_Z80 = 1.2816
# The home mean moves by itself between two windows, about six weeks apart: 7.7 mmHg in a year as a
# random walk. Source: Asayama 2021 [S]; the walk [D].
WANDERS_TENTHS = 26
# Twice what the bounds promise on either side is borne, so that a ranker whose bounds are a little
# narrow is not called drifted; above it, less than one chance in a thousand [D]. The count is
# looked at again and again, and so a false alarm is likelier than that: it costs autonomy alone.
BORNE_ONE_IN = 5
CHANCE_ONE_IN = 1_000
# The least adherence at which an effect says something of the model. Source: IHME, PDC >= 0.8 [V].
_TAKEN_PERCENT = 80


class Effect(StrEnum):
    """Where the change of the systolic mean lay against the bounds of the ranking."""

    MORE_FALL = "more_fall"
    AS_EXPECTED = "as_expected"
    LESS_FALL = "less_fall"
    NOT_COUNTED = "not_counted"
    """The move was not ranked, or the drugs were not taken, so that it says nothing of a model."""


def effect_of(move: Move, ranked_in: Assessment, seen: Snapshot, now_in: Assessment) -> Effect:
    """Return what a step came to: ranked in one assessment, looked at in a later one.

    `seen` is the snapshot of the later one, whose average must lie wholly after the step.
    """
    before, after = ranked_in.average, now_in.average
    bounds = [item for item in ranked_in.ranking.moves if item.move == move]
    if not isinstance(before, SufficientAverage) or not isinstance(after, SufficientAverage):
        return Effect.NOT_COUNTED
    if not bounds or not _taken(seen):
        return Effect.NOT_COUNTED
    within = measured_bounds(
        bounds[0],
        before_se_tenths=before.systolic_se_tenths,
        after_se_tenths=after.systolic_se_tenths,
    )
    return placed(after.systolic_tenths - before.systolic_tenths, within)


def placed(change_tenths: int, within: tuple[float, float]) -> Effect:
    """Return where a measured change lies against its bounds, both in tenths of mmHg."""
    low, high = within
    if change_tenths < low:
        return Effect.MORE_FALL
    return Effect.LESS_FALL if change_tenths > high else Effect.AS_EXPECTED


def measured_bounds(
    ranked: RankedMove, *, before_se_tenths: int, after_se_tenths: int
) -> tuple[float, float]:
    """Return the bounds of the difference of two windows, in tenths of mmHg.

    A ranker's bounds may hold one window's scatter already: counted twice, they are wider and an
    alarm comes later by little.
    """
    expected = ranked.expected_systolic_change_tenths
    scatter = _Z80 * hypot(before_se_tenths, after_se_tenths, WANDERS_TENTHS)
    return (
        expected - hypot(expected - ranked.expected_low_tenths, scatter),
        expected + hypot(ranked.expected_high_tenths - expected, scatter),
    )


def _taken(snapshot: Snapshot) -> bool:
    adherence = snapshot.adherence
    if adherence is None or adherence.due <= 0:
        return False
    return 100 * adherence.taken >= _TAKEN_PERCENT * adherence.due


def has_drifted(counts: Mapping[Effect, int]) -> bool:
    """Say whether too many effects lie on one side of the bounds for chance to explain it."""
    sides = (Effect.MORE_FALL, Effect.LESS_FALL)
    total = sum(counts.get(effect, 0) for effect in (*sides, Effect.AS_EXPECTED))
    return any(_beyond_chance(counts.get(side, 0), total) for side in sides)


def _beyond_chance(count: int, total: int) -> bool:
    """Say whether `count` or more of `total` is too unlikely where one in five is borne."""
    if count * BORNE_ONE_IN <= total:
        return False
    share, ways = 1 / BORNE_ONE_IN, lgamma(total + 1)
    tail = fsum(
        exp(
            ways
            - lgamma(more + 1)
            - lgamma(total - more + 1)
            + more * log(share)
            + (total - more) * log(1 - share)
        )
        for more in range(count, total + 1)
    )
    return tail * CHANCE_ONE_IN <= 1
