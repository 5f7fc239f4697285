"""Documents come back as the values they were; what does not fit the type is refused."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.clinical.assessment import assess
from services.clinical.envelope import Envelope
from services.clinical.titration import Titrator
from services.loop_results import EnactKind, EnactOutcome, FollowUp, FollowUpKind
from services.store import documents
from services.store.entries import AssessmentDocument
from services.store.rows import PatientFacts
from tests.services.store.people import NOW, envelope, new_patient
from tests.services.store.test_stability import snapshot


def test_a_whole_assessment_comes_back_equal() -> None:
    for systolic in (120, 145, 190):
        seen = snapshot(systolic)
        made = assess(seen, envelope("p"), Titrator(), NOW, "a")
        document = AssessmentDocument("a", seen, envelope("p"), made)
        again = documents.load(AssessmentDocument, documents.dump(AssessmentDocument, document))
        assert again.snapshot == seen
        assert again.assessment == made


def test_facts_envelopes_and_outcomes_come_back_equal() -> None:
    outcome = EnactOutcome(
        EnactKind.ENACTED,
        ("o",),
        follow_ups=(FollowUp("f", FollowUpKind.LABS_DUE, NOW + timedelta(days=14)),),
    )
    draft, facts = envelope("p"), new_patient().facts
    assert documents.load(EnactOutcome, documents.dump(EnactOutcome, outcome)) == outcome
    assert documents.load(Envelope, documents.dump(Envelope, draft)) == draft
    assert documents.load(PatientFacts, documents.dump(PatientFacts, facts)) == facts


@pytest.mark.parametrize("body", [b"", b"{}", b'{"birth_date":null,"sex":"other"}'])
def test_what_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        documents.load(PatientFacts, body)
