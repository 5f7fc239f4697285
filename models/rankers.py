"""The ranker that a record names, for a replay: by model id and version."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from models import artifact, predict
from models.predict import FilterPredictor, ModelPredictor
from services.clinical.moves import Move
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import Predictor, PredictorUnavailable, Ranking
from services.clinical.titration import Titrator

_AFTER: Final = "titrator after "


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A ranker that is away for the cause on record: the titrator ranks again, as it did then."""

    cause: str

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Raise PredictorUnavailable of the recorded name, always."""
        raise type(self.cause, (PredictorUnavailable,), {})(self.cause)


def named(model_id: str, version: str, weights: Path | None, public_key: Path) -> Predictor | None:
    """Return the ranker of a record, or None when it is not at hand.

    Raises:
        BadArtifact: the weights are refused.
    """
    if model_id.startswith(f"{_AFTER}unavailable: "):
        return Unavailable(model_id.removeprefix(f"{_AFTER}unavailable: "))
    # After an abstention the ranker is asked again and abstains again.
    asked = model_id.removeprefix(f"{_AFTER}abstention: ")
    after = asked != model_id
    if asked == "titrator":
        return Titrator()
    if asked == predict.MODEL_ID and (after or version == predict.MODEL_VERSION):
        return FilterPredictor()
    if asked == predict.TRAINED_MODEL_ID and weights is not None:
        held = artifact.load_signed(weights, artifact.read_public(public_key))
        if after or predict.trained_version(held.manifest) == version:
            return ModelPredictor(held, predict.by_row(held.network))
    return None
