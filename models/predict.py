"""The models behind the `Predictor` protocol: rank the given moves, or say why they will not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models import choice, dosage, explain, features, network
from models.artifact import Artifact, Manifest
from models.choice import Valued
from models.dosage import Posterior
from models.network import Network
from services.clinical.moves import KEEP, Move
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import RankedMove, Ranking

T = TypeVar("T")
Array = NDArray[np.float64]
Shifts = Callable[[Array], Array]
"""From features (n, features) to the shift (n,) of the untreated level in mmHg."""

MODEL_ID: Final = "filter"
MODEL_VERSION: Final = "model_v1.3_20261130"
FEATURE_VERSION: Final = "cuff-1"
TRAINED_MODEL_ID: Final = "filter+network"
# 80 % of a normal distribution lies within this many SD of its mean.
_Z_80: Final = 1.2816
# It keeps out of it when the best move is hardly better than no change, when it cannot tell the
# effect from nothing, or with fewer days than one averaging window. Source: prototype [M].
MARGIN: Final = 0.02
WIDEST_MMHG: Final = 30.0
FEWEST_DAYS: Final = 3
# A decision must be replayable bit for bit, and devices differ by about 1e-14 in float64: on a grid
# of 1e-6, finer than anything shown, one value in 10^8 would be settled otherwise.
SETTLED_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """One patient to rank for: the arguments of `Predictor.rank`."""

    snapshot: Snapshot
    moves: tuple[Move, ...]
    target: Target
    now: datetime


@dataclass(frozen=True, slots=True)
class FilterPredictor:
    """Ranks by the closed-form dose-response filter. It learns from the patient's own cuff only."""

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move, best first, with its 80 % interval and reasons."""
        posterior = dosage.observe(snapshot, now=now)
        names = (MODEL_ID, MODEL_VERSION, FEATURE_VERSION)
        return _ranking(posterior, Asked(snapshot, moves, target, now), names, choice.WIDEN)

    def rank_each(self, asked: Sequence[Asked]) -> list[Ranking | Exception]:
        """Return one ranking for each patient, or the error that it ended in."""
        return [_caught(partial(self.rank, a.snapshot, a.moves, a.target, a.now)) for a in asked]


@dataclass(frozen=True, slots=True)
class ModelPredictor:
    """Ranks by the filter with the trained network's bounded shift.

    Stated intervals are widened by the private factor. A patient's ranking does not depend on who
    else is in the batch.
    """

    artifact: Artifact
    shifts: Shifts

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move, best first; the same input gives the same bytes again."""
        [answer] = self.rank_each([Asked(snapshot, moves, target, now)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def rank_each(self, asked: Sequence[Asked]) -> list[Ranking | Exception]:
        """Return one ranking for each patient, or the error that it ended in."""
        seen = [_caught(partial(self._seen, one)) for one in asked]
        rows = [found[1] for found in seen if not isinstance(found, Exception)]
        if not rows:
            return [found for found in seen if isinstance(found, Exception)]
        shifts = iter(self.shifts(np.concatenate(rows)).tolist())
        return [
            found
            if isinstance(found, Exception)
            else _caught(partial(self._ranked, one, found[0], next(shifts)))
            for one, found in zip(asked, seen, strict=True)
        ]

    def _seen(self, asked: Asked) -> tuple[Posterior, Array]:
        posterior = dosage.observe(asked.snapshot, now=asked.now)
        seen = features.of_snapshot(asked.snapshot, posterior, now=asked.now)
        wearable = self.artifact.manifest.wearable_seen
        return posterior, features.masked(seen, wearable=wearable)

    def _ranked(self, asked: Asked, posterior: Posterior, shift_mmhg: float) -> Ranking:
        manifest = self.artifact.manifest
        [mean] = network.shifted(posterior.mean[None], np.array([shift_mmhg]))
        corrected = replace(posterior, mean=mean)
        names = (TRAINED_MODEL_ID, trained_version(manifest), manifest.feature_version)
        return _ranking(corrected, asked, names, manifest.widen, uncorrected=posterior)


def trained_version(manifest: Manifest) -> str:
    """Return the version that a ranking with these weights carries: the filter's is part of it."""
    return f"{MODEL_VERSION}+{manifest.model_version}"


def by_row(held: Network) -> Shifts:
    """Return the network's shifts, each row by itself.

    A matrix product may round a row differently in another batch; a row alone takes 6 µs.
    """
    return settled(lambda x: np.concatenate([network.shifts(held, row[None]) for row in x]))


def settled(shifts: Shifts) -> Shifts:
    """Return the same shifts on the grid that every device shares."""
    return lambda x: np.round(shifts(x), SETTLED_DECIMALS)


def _caught(act: Callable[[], T]) -> T | Exception:
    """Return the error instead of raising it: one patient's must not take the batch with it."""
    try:
        return act()
    except Exception as err:  # noqa: BLE001 - handed to the one whom it concerns
        return err


def _ranking(
    posterior: Posterior,
    asked: Asked,
    names: tuple[str, str, str],
    widen: float,
    *,
    uncorrected: Posterior | None = None,
) -> Ranking:
    """Return the ranking with its reasons, with stated SDs widened; scores are not, as in the
    trial. `uncorrected` is the filter's posterior where a network spoke.
    """
    snapshot = asked.snapshot
    before = dosage.doses_now(snapshot.regimen)
    valued = choice.values(posterior, before, asked.moves, asked.target, snapshot.conditions)
    ordered = choice.order(valued)
    codes = explain.codes(ordered, posterior, snapshot, uncorrected=uncorrected)
    return Ranking(
        moves=tuple(_ranked(v, widen, why) for v, why in zip(ordered, codes, strict=True)),
        certainty_percent=round(100 * choice.certainty(ordered[0], widen)),
        model_id=names[0],
        model_version=names[1],
        feature_version=names[2],
        abstained=explain.abstention(snapshot) or _abstention(ordered, posterior.days, widen),
    )


def _ranked(valued: Valued, widen: float, why: tuple[str, ...]) -> RankedMove:
    mean, half = valued.change.mean_mmhg, _Z_80 * widen * valued.change.sd_mmhg
    return RankedMove(
        move=valued.move,
        score_thousandths=round(1000 * valued.score),
        expected_systolic_change_tenths=round(10 * mean),
        expected_low_tenths=round(10 * (mean - half)),
        expected_high_tenths=round(10 * (mean + half)),
        in_target_percent=round(100 * valued.in_target),
        low_pressure_percent=round(100 * valued.low),
        reasons=_reasons(valued) + why,
    )


def _reasons(valued: Valued) -> tuple[str, ...]:
    """Codes with a number each; the doors turn them into sentences."""
    days = choice.days_to_know(valued.change.mean_mmhg)
    known = () if days is None else (f"days_to_know:{days}",)
    low = ("low_pressure_risk",) if valued.low > choice.LOW_LIMIT else ()
    return (f"symptoms_percent:{round(100 * valued.symptoms)}", *known, *low)


def _abstention(ordered: list[Valued], days: int, widen: float) -> str | None:
    if days < FEWEST_DAYS:
        return "too_few_days"
    keep = next((valued for valued in ordered if valued.move == KEEP), None)
    best = ordered[0]
    if keep is None or best is keep:
        return None
    if best.low <= choice.LOW_LIMIT and best.score - keep.score < MARGIN:
        return "hardly_better_than_no_change"
    if 2 * _Z_80 * widen * best.change.sd_mmhg > WIDEST_MMHG:
        return "interval_too_wide"
    return None
