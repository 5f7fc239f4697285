"""Served: an answer in time or none, the same alone and in a batch, never an older one."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.predict import Asked, FilterPredictor
from models.serving import Failed, Limits, Served, Stopped, TooBusy, TooSlow
from services.clinical.assessment import assess
from services.clinical.proposal import PredictorUnavailable, Ranking
from services.clinical.titration import Titrator
from services.metrics import RANKING_UNAVAILABLE
from tests.models import models_made
from tests.models.patients import NOW, TARGET, snapshot
from tests.models.test_predict import MOVES, REGIMEN

PATIENT = snapshot([150.0] * 40, REGIMEN)


@dataclass
class Gated:
    """The filter behind a gate: it ranks when the test lets it."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    batches: list[int] = field(default_factory=list)

    def rank_each(self, asked: Sequence[Asked]) -> Sequence[Ranking | Exception]:
        self.batches.append(len(asked))
        self.entered.set()
        self.gate.wait()
        return FilterPredictor().rank_each(asked)


@pytest.fixture
def gated() -> Iterator[Gated]:
    ranker = Gated()
    yield ranker
    ranker.gate.set()


def test_a_patient_is_ranked_alike_alone_and_among_others(tmp_path: Path) -> None:
    model = models_made.predictor(models_made.made(tmp_path, Ed25519PrivateKey.generate()))
    people = [snapshot([120.0 + n] * 40, REGIMEN, seed=n) for n in range(24)]
    alone = [model.rank(person, MOVES, TARGET, NOW) for person in people]
    together = model.rank_each([Asked(person, MOVES, TARGET, NOW) for person in people])
    assert together == alone
    served = Served(model, Limits(answer_within_s=30.0, gather_s=0.2))
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda p: served.rank(p, MOVES, TARGET, NOW), people))
    served.close()
    assert answers == alone


def test_those_who_ask_meanwhile_are_ranked_together_up_to_the_limit(gated: Gated) -> None:
    served = Served(gated, Limits(answer_within_s=30.0, gather_s=0.0, most_together=5))
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(served.rank, PATIENT, MOVES, TARGET, NOW)
        assert gated.entered.wait(10.0)
        rest = [pool.submit(served.rank, PATIENT, MOVES, TARGET, NOW) for _ in range(7)]
        while served._waiting.qsize() < 7:
            threading.Event().wait(0.001)
        gated.gate.set()
        rankings = {repr(answer.result(30.0)) for answer in [first, *rest]}
    served.close()
    assert gated.batches == [1, 5, 2]
    assert len(rankings) == 1


def test_a_slow_ranker_is_not_waited_for_and_the_titrator_is_on_record(gated: Gated) -> None:
    served = Served(gated, Limits(answer_within_s=0.05))
    before = RANKING_UNAVAILABLE.labels("TooSlow")._value.get()
    made = assess(PATIENT, None, served, NOW, "a")
    assert made.ranking.model_id == "titrator after unavailable: TooSlow"
    expected = Titrator().rank(PATIENT, made.moves, TARGET, NOW)
    assert made.ranking.moves == expected.moves
    assert RANKING_UNAVAILABLE.labels("TooSlow")._value.get() == before + 1


def test_an_answer_that_comes_too_late_is_given_to_nobody(gated: Gated) -> None:
    served = Served(gated, Limits(answer_within_s=0.05))
    with pytest.raises(TooSlow):
        served.rank(PATIENT, MOVES, TARGET, NOW)
    gated.gate.set()
    other = snapshot([170.0] * 40, REGIMEN)
    patient = Served(FilterPredictor(), Limits(answer_within_s=30.0))
    fresh = Served(gated, Limits(answer_within_s=30.0)).rank(other, MOVES, TARGET, NOW)
    assert fresh == patient.rank(other, MOVES, TARGET, NOW)
    assert fresh != patient.rank(PATIENT, MOVES, TARGET, NOW)


def test_who_gave_up_while_waiting_is_not_ranked(gated: Gated) -> None:
    served = Served(gated, Limits(answer_within_s=0.05, gather_s=0.0))
    for _ in range(3):
        with pytest.raises(TooSlow):
            served.rank(PATIENT, MOVES, TARGET, NOW)
    gated.gate.set()
    served.close()
    assert gated.batches == [1]


def test_more_than_can_be_answered_are_refused_at_once(gated: Gated) -> None:
    served = Served(gated, Limits(answer_within_s=30.0, gather_s=0.0, most_waiting=1))
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(served.rank, PATIENT, MOVES, TARGET, NOW)]
        assert gated.entered.wait(10.0)
        waiting.append(pool.submit(served.rank, PATIENT, MOVES, TARGET, NOW))
        while served._waiting.qsize() < 1:
            threading.Event().wait(0.001)
        with pytest.raises(TooBusy):
            served.rank(PATIENT, MOVES, TARGET, NOW)
        gated.gate.set()
        assert all(answer.result(30.0) for answer in waiting)
    served.close()


class BreaksOnOne:
    """Breaks on a patient without readings, and on the whole batch when told to."""

    whole = False

    def rank_each(self, asked: Sequence[Asked]) -> Sequence[Ranking | Exception]:
        if self.whole:
            raise ArithmeticError("no batch")
        good = FilterPredictor().rank_each(asked)
        return [
            g if a.snapshot.readings else ValueError("x") for a, g in zip(asked, good, strict=True)
        ]


def test_one_patient_that_cannot_be_ranked_does_not_take_the_batch_along() -> None:
    served = Served(BreaksOnOne(), Limits(answer_within_s=30.0, gather_s=0.2))
    people = [PATIENT, snapshot([], REGIMEN), PATIENT]
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(served.rank, person, MOVES, TARGET, NOW) for person in people]
        assert answers[0].result(30.0) == answers[2].result(30.0)
        with pytest.raises(Failed, match="ValueError"):
            answers[1].result(30.0)
    served.close()


def test_a_ranker_that_keeps_breaking_is_left_alone_and_said_to_be_stopped() -> None:
    ranker = BreaksOnOne()
    ranker.whole = True
    served = Served(ranker, Limits(answer_within_s=30.0))
    for _ in range(4):
        with pytest.raises(Failed):
            served.rank(PATIENT, MOVES, TARGET, NOW)
    ranker.whole = False
    with pytest.raises(Stopped):
        served.rank(PATIENT, MOVES, TARGET, NOW)
    served.close()


def test_after_the_end_nobody_waits() -> None:
    served = Served(FilterPredictor(), Limits(answer_within_s=30.0))
    served.close()
    with pytest.raises(PredictorUnavailable):
        served.rank(PATIENT, MOVES, TARGET, NOW)
