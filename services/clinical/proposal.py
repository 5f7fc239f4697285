"""What is asked for, with its evidence; and the protocol of whatever ranks the legal moves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.clinical.moves import Move, Path
from services.clinical.patient import Snapshot, Target


@dataclass(frozen=True, slots=True)
class RankedMove:
    """One legal move with what the ranker expects of it.

    Integers only, so that the record has one form: mmHg in tenths, shares in percent.
    `expected_systolic_change_tenths` is negative for a fall; low and high bound 80 %.
    """

    move: Move
    score_thousandths: int
    expected_systolic_change_tenths: int
    expected_low_tenths: int
    expected_high_tenths: int
    in_target_percent: int
    low_pressure_percent: int
    """Probability that the mean systolic pressure falls below 105 mmHg."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The legal moves, best first, none added. `abstained` names why the ranker keeps out of it."""

    moves: tuple[RankedMove, ...]
    certainty_percent: int
    model_id: str
    model_version: str
    feature_version: str
    abstained: str | None = None


class PredictorUnavailable(RuntimeError):
    """The ranker cannot answer now. Fall back to the deterministic titrator and say so."""


class Predictor(Protocol):
    """Ranks moves. It may re-order or abstain; it may never add a move or change a dose."""

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        """Return every given move ranked.

        Raises:
            PredictorUnavailable: no answer can be had now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Override:
    """A clinician passes a rule of strength `clinician`, with a coded reason."""

    rule_id: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """One move put to the guard. `overrides` are a clinician's, empty on the patient's path."""

    proposal_id: str
    patient_id: str
    move: Move
    path: Path
    ranking: Ranking | None
    snapshot_as_of: datetime
    made_at: datetime
    overrides: tuple[Override, ...] = ()
    decided_by_clinician: bool = False
    """True when a clinician signed exactly this move: rules of strength autonomy do not apply."""
