"""What was offered, how it scored and how likely the first was to be first; and how two agree.

Off-policy evaluation needs the probability with which a logged choice was made. The policies here
are deterministic: the first was certain. Randomising among near-equal moves would write another
probability here, and needs an envelope that allows it; nothing here randomises.
"""

from dataclasses import dataclass
from typing import Final, Literal

from services.clinical.assessment import Assessment
from services.clinical.moves import Move
from services.clinical.proposal import Ranking

CERTAIN_PPM: Final = 1_000_000
Standing = Literal["in_charge", "shadow"]


@dataclass(frozen=True, slots=True)
class OfferedMove:
    """One legal move and its score."""

    move_id: str
    score_thousandths: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a second ranking of the same moves compares. Correlation is None for a single move."""

    same_first: bool
    correlation_thousandths: int | None


@dataclass(frozen=True, slots=True)
class LoggedChoice:
    """One ranking as logged: moves best first, the one chosen, and how likely that was.

    `first_move_id` is the proposed move of a ranker in charge: the guard may have struck out those
    above it. Of a shadow it is its best move. `probability_ppm` is in millionths.
    """

    standing: Standing
    path: str
    offered: tuple[OfferedMove, ...]
    first_move_id: str
    probability_ppm: int
    model_id: str
    model_version: str
    feature_version: str
    abstained: str | None
    agreement: Agreement | None = None


def in_charge(made: Assessment) -> LoggedChoice:
    """Return the choice of an assessment."""
    return _logged("in_charge", made.proposal.path.value, made.ranking, made.proposal.move)


def in_shadow(made: Assessment, candidate: Ranking) -> LoggedChoice:
    """Return a candidate's ranking of the same moves, with its agreement."""
    return _logged(
        "shadow",
        made.proposal.path.value,
        candidate,
        candidate.moves[0].move,
        agreement(made.ranking, candidate),
    )


def agreement(one: Ranking, other: Ranking) -> Agreement:
    """Return how two orders of the same moves agree: the first move, and Spearman's correlation.

    Raises:
        ValueError: they do not rank the same moves.
    """
    places = {ranked.move: place for place, ranked in enumerate(one.moves)}
    if len(one.moves) != len(other.moves) or places.keys() != {r.move for r in other.moves}:
        raise ValueError("two rankings of different moves cannot be compared")
    count = len(places)
    apart = sum((places[r.move] - place) ** 2 for place, r in enumerate(other.moves))
    same_first = one.moves[0].move == other.moves[0].move
    if count < 2:
        return Agreement(same_first, None)
    return Agreement(same_first, round(1000 * (1 - 6 * apart / (count * (count**2 - 1)))))


def _logged(
    standing: Standing,
    path: str,
    ranking: Ranking,
    first: Move,
    agrees: Agreement | None = None,
) -> LoggedChoice:
    return LoggedChoice(
        standing=standing,
        path=path,
        offered=tuple(OfferedMove(r.move.move_id, r.score_thousandths) for r in ranking.moves),
        first_move_id=first.move_id,
        probability_ppm=CERTAIN_PPM,
        model_id=ranking.model_id,
        model_version=ranking.model_version,
        feature_version=ranking.feature_version,
        abstained=ranking.abstained,
        agreement=agrees,
    )
