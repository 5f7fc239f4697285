"""A recorded decision comes out the same again; one altered field is refused by its name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from compliance.replay import (
    DOCUMENT,
    LOCKS,
    NoRanker,
    Rankers,
    Replayed,
    differences,
    replay,
)
from models import rankers
from models.predict import FilterPredictor
from services.clinical.assessment import assess
from services.clinical.proposal import Predictor
from services.clinical.titration import Titrator
from services.clinical.units import Mmhg
from services.store import Acting, Role, assessments, documents
from services.store.entries import AssessmentDocument
from services.store.loop_records import LoopRecords
from tests.models.patients import NOW, snapshot
from tests.models.test_predict import REGIMEN
from tests.services.store import people
from tests.stack import StoreFactory


def at_hand(model_id: str, version: str) -> Predictor:
    found = rankers.named(model_id, version, None, Path("none"))
    if found is None:
        raise NoRanker(model_id)
    return found


HELD: Rankers = at_hand


def made_on(lock: str | None) -> Replayed:
    return Replayed("a", (), lock, "c" * 64)


def test_the_same_lock_another_and_one_that_is_not_on_record_are_told_apart() -> None:
    assert [made_on(lock).lock for lock in ("c" * 64, "d" * 64, None)] == list(LOCKS)
    assert replace(made_on("c" * 64), again_on=None).lock == "unknown"


def test_a_document_from_before_the_lock_was_kept_is_read_and_comes_out_the_same() -> None:
    held = json.loads(documents.dump(AssessmentDocument, recorded(FilterPredictor())))
    del held["lock_sha256"]
    old = documents.load(AssessmentDocument, json.dumps(held).encode())
    assert old.lock_sha256 is None
    assert differences(old, HELD) == ()


def recorded(predictor: Predictor, systolic: float = 150.0) -> AssessmentDocument:
    patient = snapshot([systolic] * 40, REGIMEN)
    return AssessmentDocument("a", patient, None, assess(patient, None, predictor, NOW, "a"))


@pytest.mark.parametrize(
    "predictor",
    [Titrator(), FilterPredictor(), rankers.Unavailable("TooSlow")],
    ids=["titrator", "filter", "fallback"],
)
@pytest.mark.parametrize("systolic", [118.0, 131.0, 150.0, 178.0])
def test_a_recorded_decision_comes_out_the_same(predictor: Predictor, systolic: float) -> None:
    assert differences(recorded(predictor, systolic), HELD) == ()


def test_one_altered_field_is_named() -> None:
    document = recorded(FilterPredictor())
    made = document.assessment
    first, *rest = made.ranking.moves
    higher = replace(first, score_thousandths=first.score_thousandths + 1)
    scored = replace(made.ranking, moves=(higher, *rest))
    altered = replace(document, assessment=replace(made, ranking=scored))
    assert "assessment.ranking.moves[0].score_thousandths" in differences(altered, HELD)
    sure = replace(made.ranking, certainty_percent=made.ranking.certainty_percent - 1)
    altered = replace(document, assessment=replace(made, ranking=sure))
    assert "assessment.ranking.certainty_percent" in differences(altered, HELD)


def test_an_altered_input_shows_in_what_comes_out() -> None:
    document = recorded(FilterPredictor())
    readings = tuple(
        replace(r, systolic_mmhg=Mmhg(r.systolic_mmhg + 3)) for r in document.snapshot.readings
    )
    altered = replace(document, snapshot=replace(document.snapshot, readings=readings))
    assert "assessment.ranking.moves[0].score_thousandths" in differences(altered, HELD)


def test_a_model_that_is_not_at_hand_is_said_so() -> None:
    document = recorded(FilterPredictor())
    ranking = replace(document.assessment.ranking, model_version="model_v0")
    other = replace(document, assessment=replace(document.assessment, ranking=ranking))
    with pytest.raises(NoRanker):
        differences(other, HELD)


async def test_what_the_store_holds_replays_and_another_document_than_the_logs_is_refused(
    store_factory: StoreFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await people.enrol_treated(await store_factory(Role.CLINICIAN))
    records = LoopRecords(await store_factory(Role.WORKER))
    outcome = await records.assess(
        person.patient_id, key="a", predictor=FilterPredictor(), now=people.NOW
    )
    auditor = await store_factory(Role.AUDITOR)
    async with auditor.transaction(Acting("auditor", "replay", person.patient_id)) as tx:
        found = await replay(tx, person.patient_id, outcome.assessment_id, HELD)
        assert (found.differing, found.lock) == ((), "same")
        document = await assessments.document(tx, outcome.assessment_id)
        # As sealed anew by somebody with the keys: a field that changes nothing in what comes out.
        first, *rest = document.snapshot.readings
        again = replace(document.snapshot, readings=(replace(first, reading_id="another"), *rest))
        body = documents.dump(AssessmentDocument, replace(document, snapshot=again))

        async def altered(*_: object) -> bytes:
            return body

        monkeypatch.setattr(assessments, "body", altered)
        found = await replay(tx, person.patient_id, outcome.assessment_id, HELD)
    assert DOCUMENT in found.differing
