import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import artifact, choice
from models.predict import MODEL_VERSION, FilterPredictor, ModelPredictor
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.patient import Snapshot
from services.clinical.units import Micrograms
from services.signals.wearable import WEARABLE_VERSION
from tests.models import models_made, recorded_rankings
from tests.models.patients import NOW, TARGET, prescription, snapshot

REGIMEN = (prescription(Drug.AMLODIPINE, 5_000),)
PATIENT = snapshot([150.0] * 40, REGIMEN)
MOVES = (
    KEEP,
    Move(MoveKind.STEP_UP, (DoseChange(Drug.AMLODIPINE, Micrograms(5_000), Micrograms(10_000)),)),
    Move(MoveKind.START, (DoseChange(Drug.LOSARTAN, Micrograms(0), Micrograms(25_000)),)),
)


def test_it_ranks_exactly_the_moves_that_it_was_given() -> None:
    ranking = FilterPredictor().rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)
    assert sorted(r.move.move_id for r in ranking.moves) == sorted(m.move_id for m in MOVES)


def test_the_same_snapshot_gives_the_same_ranking() -> None:
    rank = FilterPredictor().rank
    patient = snapshot([150.0] * 40, REGIMEN)
    assert rank(patient, MOVES, TARGET, NOW) == rank(patient, MOVES, TARGET, NOW)


def test_the_order_of_the_moves_does_not_matter() -> None:
    rank = FilterPredictor().rank
    patient = snapshot([150.0] * 40, REGIMEN)
    assert rank(patient, MOVES, TARGET, NOW) == rank(patient, MOVES[::-1], TARGET, NOW)


def test_the_interval_holds_the_expected_change() -> None:
    ranking = FilterPredictor().rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)
    for ranked in ranking.moves:
        expected = ranked.expected_systolic_change_tenths
        assert ranked.expected_low_tenths <= expected <= ranked.expected_high_tenths


def test_too_few_days_make_it_abstain() -> None:
    ranking = FilterPredictor().rank(snapshot([150.0] * 2, REGIMEN), MOVES, TARGET, NOW)
    assert ranking.abstained == "too_few_days"


def test_in_the_middle_of_the_target_it_says_that_no_move_is_worth_it() -> None:
    ranking = FilterPredictor().rank(snapshot([120.0] * 60, REGIMEN), MOVES, TARGET, NOW)
    assert ranking.moves[0].move == KEEP or ranking.abstained == "hardly_better_than_no_change"


@pytest.fixture
def trained(tmp_path: Path) -> ModelPredictor:
    return models_made.predictor(models_made.made(tmp_path, Ed25519PrivateKey.generate()))


def test_the_trained_model_ranks_exactly_the_moves_that_it_was_given(
    trained: ModelPredictor,
) -> None:
    ranking = trained.rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)
    assert sorted(r.move.move_id for r in ranking.moves) == sorted(m.move_id for m in MOVES)
    assert ranking.model_version == f"{MODEL_VERSION}+test-2"


def test_its_shift_changes_the_expectation_and_widen_the_interval(
    trained: ModelPredictor,
) -> None:
    patient = snapshot([150.0] * 40, REGIMEN)
    ours = {r.move: r for r in trained.rank(patient, MOVES, TARGET, NOW).moves}[MOVES[1]]
    theirs = {r.move: r for r in FilterPredictor().rank(patient, MOVES, TARGET, NOW).moves}[
        MOVES[1]
    ]
    assert ours.expected_systolic_change_tenths != theirs.expected_systolic_change_tenths
    share = ours.expected_systolic_change_tenths / theirs.expected_systolic_change_tenths
    wider = trained.artifact.manifest.widen / choice.WIDEN
    assert ours.expected_high_tenths - ours.expected_low_tenths == pytest.approx(
        wider * share * (theirs.expected_high_tenths - theirs.expected_low_tenths), abs=2
    )


def test_a_recorded_decision_gives_the_same_ranking_from_the_same_files_again(
    tmp_path: Path,
) -> None:
    key = Ed25519PrivateKey.generate()
    first = models_made.predictor(models_made.made(tmp_path, key))
    again = models_made.predictor(artifact.load_signed(tmp_path, key.public_key()))
    patient = snapshot([150.0] * 40, REGIMEN)
    recorded = first.rank(patient, MOVES, TARGET, NOW)
    assert again.rank(patient, MOVES, TARGET, NOW) == recorded
    program = _REPLAY.format(folder=str(tmp_path), key=key.public_key().public_bytes_raw().hex())
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == repr(recorded)


def test_every_ranking_on_record_comes_out_again_in_every_field() -> None:
    assert recorded_rankings.hashes() == json.loads(recorded_rankings.FILE.read_text())


_REPLAY = """
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from models import artifact, choice
from tests.models import models_made
from tests.models.patients import NOW, TARGET, snapshot
from tests.models.test_predict import MOVES, REGIMEN
key = Ed25519PublicKey.from_public_bytes(bytes.fromhex("{key}"))
model = models_made.predictor(artifact.load_signed(Path("{folder}"), key))
print(repr(model.rank(snapshot([150.0] * 40, REGIMEN), MOVES, TARGET, NOW)))
"""


def wearable_seen(model: ModelPredictor) -> ModelPredictor:
    manifest = replace(model.artifact.manifest, wearable_seen=True)
    return replace(model, artifact=replace(model.artifact, manifest=manifest))


def worn(*names: str, version: str = WEARABLE_VERSION) -> Snapshot:
    context = tuple((name, 90.0) for name in names)
    return replace(PATIENT, wearable_features=context, wearable_version=version)


def test_an_estimated_pressure_beside_the_wearables_features_changes_no_ranking(
    trained: ModelPredictor,
) -> None:
    """An estimate that slipped in among the context is nothing that a model takes in."""
    seeing = wearable_seen(trained)
    for predictor in (FilterPredictor(), trained, seeing):
        bare, estimated = (
            predictor.rank(each, MOVES, TARGET, NOW)
            for each in (PATIENT, worn("systolic_mmhg", "week_systolic_mmhg"))
        )
        assert bare == estimated


def test_only_a_model_that_learned_the_nightly_dip_sees_it_and_only_of_this_version(
    trained: ModelPredictor,
) -> None:
    seeing, dip = wearable_seen(trained), worn("heart_rate_dip_fraction")
    old = worn("heart_rate_dip_fraction", version="signals-2")
    for predictor in (FilterPredictor(), trained, seeing):
        bare, seen, unknown = (
            predictor.rank(each, MOVES, TARGET, NOW) for each in (PATIENT, dip, old)
        )
        assert (bare == seen) is (predictor is not seeing)
        assert bare == unknown
