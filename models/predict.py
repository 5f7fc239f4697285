"""The models behind the `Predictor` protocol: rank the given moves, or say why they will not."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from models import choice, dosage, features, network
from models.artifact import Artifact
from models.choice import Valued
from models.dosage import Posterior
from services.clinical.moves import KEEP, Move
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import RankedMove, Ranking

MODEL_ID: Final = "filter"
MODEL_VERSION: Final = "model_v1.1_20261121"
FEATURE_VERSION: Final = "cuff-1"
TRAINED_MODEL_ID: Final = "filter+network"
# 80 % of a normal distribution lies within this many SD of its mean.
_Z_80: Final = 1.2816
# It keeps out of it when the best move is hardly better than no change, when it cannot tell the
# effect from nothing, or with fewer days than one averaging window. Source: prototype [M].
MARGIN: Final = 0.02
WIDEST_MMHG: Final = 30.0
FEWEST_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class FilterPredictor:
    """Ranks by the closed-form dose-response filter. It learns from the patient's own cuff only."""

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move, best first, with its 80 % interval and reasons."""
        posterior = dosage.observe(snapshot, now=now)
        names = (MODEL_ID, MODEL_VERSION, FEATURE_VERSION)
        return _ranking(posterior, snapshot, moves, target, names)


@dataclass(frozen=True, slots=True)
class ModelPredictor:
    """Ranks by the filter with the trained network's bounded corrections.

    Stated intervals are widened by the private factor; scores are not, as in the trial.
    """

    artifact: Artifact

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move, best first; the same input gives the same bytes again."""
        manifest = self.artifact.manifest
        posterior = corrected(dosage.observe(snapshot, now=now), snapshot, self.artifact, now=now)
        names = (TRAINED_MODEL_ID, manifest.model_version, manifest.feature_version)
        return _ranking(posterior, snapshot, moves, target, names, widen=manifest.widen)


def corrected(
    posterior: Posterior, snapshot: Snapshot, artifact: Artifact, *, now: datetime
) -> Posterior:
    """Return the filter's posterior with the network's corrections made."""
    manifest = artifact.manifest
    seen = features.of_snapshot(snapshot, posterior, now=now)
    seen = features.masked(seen, wearable=manifest.wearable_seen)
    shift, factors = network.corrections(artifact.network, seen)
    mean, covariance = network.corrected(
        posterior.mean[None], posterior.covariance[None], shift, factors
    )
    return replace(posterior, mean=mean[0], covariance=covariance[0])


def _ranking(
    posterior: Posterior,
    snapshot: Snapshot,
    moves: tuple[Move, ...],
    target: Target,
    names: tuple[str, str, str],
    *,
    widen: float = 1.0,
) -> Ranking:
    before = dosage.doses_now(snapshot.regimen)
    ordered = choice.order(choice.values(posterior, before, moves, target))
    return Ranking(
        moves=tuple(_ranked(valued, widen) for valued in ordered),
        certainty_percent=round(100 * choice.certainty(ordered[0])),
        model_id=names[0],
        model_version=names[1],
        feature_version=names[2],
        abstained=_abstention(ordered, posterior.days, widen),
    )


def _ranked(valued: Valued, widen: float) -> RankedMove:
    mean, half = valued.change.mean_mmhg, _Z_80 * widen * valued.change.sd_mmhg
    return RankedMove(
        move=valued.move,
        score_thousandths=round(1000 * valued.score),
        expected_systolic_change_tenths=round(10 * mean),
        expected_low_tenths=round(10 * (mean - half)),
        expected_high_tenths=round(10 * (mean + half)),
        in_target_percent=round(100 * valued.in_target),
        low_pressure_percent=round(100 * valued.low),
        reasons=_reasons(valued),
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
