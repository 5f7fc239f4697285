"""Which predictor a worker takes: off by default, verified before it starts."""

import logging
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import artifact
from models.predict import MODEL_VERSION, FilterPredictor
from models.serving import Served
from services.clinical.titration import Titrator
from tests.models import models_made
from tests.models.patients import NOW, TARGET, snapshot
from tests.models.test_predict import MOVES, REGIMEN
from workflows.__main__ import main, parser, serving


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A process sends its logs to stdout; here that is the test's own, which ends with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def chosen(*more: str) -> Namespace:
    return parser().parse_args(["worker", *more])


def test_the_titrator_ranks_unless_another_is_chosen() -> None:
    with serving(chosen()) as predictor:
        assert isinstance(predictor, Titrator)


def test_the_filter_is_served_within_limits() -> None:
    patient = snapshot([150.0] * 40, REGIMEN)
    with serving(chosen("--predictor", "filter")) as predictor:
        assert isinstance(predictor, Served)
        ranking = predictor.rank(patient, MOVES, TARGET, NOW)
    assert ranking == FilterPredictor().rank(patient, MOVES, TARGET, NOW)


def test_a_model_whose_weights_were_altered_keeps_the_worker_from_starting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models_made.made(tmp_path / "run", artifact.make_key(tmp_path / "signing.pem"))
    given = ["--weights", str(tmp_path / "run"), "--public-key", str(tmp_path / "signing.pub")]
    with serving(chosen("--predictor", "model", "--device", "cpu", *given)) as predictor:
        ranking = predictor.rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)
        assert ranking.model_version == f"{MODEL_VERSION}+test-2"
    weights = tmp_path / "run" / artifact.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    assert main(["worker", "--predictor", "model", *given]) == 2
    assert "wrong_weights" in capsys.readouterr().err


def test_a_public_key_that_is_not_there_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models_made.made(tmp_path / "run", artifact.make_key(tmp_path / "signing.pem"))
    given = ["--weights", str(tmp_path / "run"), "--public-key", str(tmp_path / "none.pub")]
    assert main(["worker", "--predictor", "model", *given]) == 2
    assert "wrong_signature" in capsys.readouterr().err


def test_queues_are_chosen_by_name() -> None:
    assert chosen().queue is None
    assert chosen("--queue", "inference", "--queue", "io").queue == ["inference", "io"]
