"""Whatever ranks the moves: it may order them, and nothing else."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from services.clinical.assessment import assess
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, Move, MoveKind, Path
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import PredictorUnavailable, RankedMove, Ranking
from services.clinical.titration import Titrator
from services.clinical.verdict import Advise, Ask, Hold, NeedsData
from tests.services.clinical.examples import NOW, change, envelope, snapshot, week


@dataclass(frozen=True)
class Changed:
    """The titrator's ranking with its moves, or its abstention, changed."""

    added: tuple[Move, ...] = ()
    lost: int = 0
    abstained: str | None = None
    twice: bool = False

    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        plain = Titrator().rank(snapshot, moves, target, now)
        extra = tuple(RankedMove(move, 9_999, -300, -400, -200, 99, 0) for move in self.added)
        kept = plain.moves[self.lost :]
        doubled = kept[:1] if self.twice else ()
        return Ranking((*extra, *doubled, *kept), 99, "changed", "1", "1", abstained=self.abstained)


class Away:
    def rank(
        self, snapshot: Snapshot, moves: tuple[Move, ...], target: Target, now: datetime
    ) -> Ranking:
        raise PredictorUnavailable("no weights")


TRIPLE = Move(MoveKind.STEP_UP, (change(Drug.AMLODIPINE, 5_000, 15_000),))


@pytest.mark.parametrize("ranker", [Changed(added=(TRIPLE,)), Changed(lost=1), Changed(twice=True)])
def test_a_ranking_that_adds_or_loses_a_move_is_not_used(ranker: Changed) -> None:
    found = assess(snapshot(), None, ranker, NOW, "q")
    plain = assess(snapshot(), None, Titrator(), NOW, "q")
    assert found.ranking.model_id == "titrator after illegal ranking: changed"
    assert found.proposal.move == plain.proposal.move


def test_a_ranker_that_is_away_is_replaced_and_that_is_said() -> None:
    found = assess(snapshot(), None, Away(), NOW, "q")
    assert found.ranking.model_id == "titrator after unavailable: PredictorUnavailable"
    assert isinstance(found.verdict, Ask)


def test_a_step_inside_the_plan_is_advised_to_the_patient() -> None:
    found = assess(snapshot(), envelope(), Titrator(), NOW, "q")
    assert isinstance(found.verdict, Advise)
    assert found.proposal.path is Path.PATIENT


def test_a_ranker_that_keeps_out_of_it_leads_to_no_step_without_a_clinician() -> None:
    found = assess(snapshot(), envelope(), Changed(abstained="unsure"), NOW, "q")
    assert isinstance(found.verdict, Ask)
    assert found.proposal.path is Path.CLINICIAN
    assert found.ranking.abstained == "unsure"


def test_without_readings_nothing_is_proposed_and_readings_are_asked_for() -> None:
    found = assess(snapshot(readings=()), envelope(), Titrator(), NOW, "q")
    assert isinstance(found.verdict, NeedsData)
    assert "readings" in found.verdict.missing
    assert found.proposal.move == KEEP


def test_in_target_the_answer_is_no_change() -> None:
    found = assess(snapshot(readings=week(120, 72)), envelope(), Titrator(), NOW, "q")
    assert isinstance(found.verdict, Hold)
    assert found.proposal.move == KEEP
