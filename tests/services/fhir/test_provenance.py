"""Who is answerable: the AI wrote it, a clinician verified or had authorised it."""

from services.fhir.checks import require_valid, select
from services.fhir.provenance import of_decision, of_envelope_step, of_proposal, of_signature
from services.fhir.resource import Resource
from tests.services.fhir.builders import NOW, SUBJECT

_TARGETS = ("MedicationRequest/1/_history/1",)


def _agents(provenance: Resource) -> list[tuple[object, object]]:
    kinds = select(provenance, "agent.type.coding.code")
    return list(zip(kinds, select(provenance, "agent.who.reference"), strict=True))


def test_a_proposal_has_the_device_as_its_only_author() -> None:
    made = of_proposal(
        provenance_id="p-1",
        targets=_TARGETS,
        ai_device_id="ai-1",
        inputs=("Observation/avg-1",),
        recorded_at=NOW,
        simulated=True,
    )
    require_valid(made)
    assert _agents(made) == [("author", "Device/ai-1")]
    assert list(select(made, "reason.coding.code")) == ["AIAST"]


def test_a_decision_has_the_clinician_as_verifier() -> None:
    made = of_decision(
        provenance_id="p-2",
        targets=_TARGETS,
        ai_device_id="ai-1",
        clinician_id="clinician-1",
        inputs=(),
        recorded_at=NOW,
        simulated=True,
    )
    require_valid(made)
    assert _agents(made) == [
        ("author", "Device/ai-1"),
        ("verifier", "Practitioner/clinician-1"),
    ]


def test_a_step_inside_the_envelope_cites_the_version_that_allowed_it() -> None:
    made = of_envelope_step(
        provenance_id="p-3",
        targets=_TARGETS,
        ai_device_id="ai-1",
        clinician_id="clinician-1",
        patient_id=SUBJECT.patient_id,
        envelope="CarePlan/e-1/_history/2",
        recorded_at=NOW,
        simulated=True,
    )
    require_valid(made)
    assert list(select(made, "entity.what.reference")) == ["CarePlan/e-1/_history/2"]
    assert ("verifier", f"Patient/{SUBJECT.patient_id}") in _agents(made)
    assert ("RESP", "Practitioner/clinician-1") in _agents(made)


def test_a_clinicians_own_signature_names_no_ai() -> None:
    made = of_signature(
        provenance_id="p-4",
        targets=("CarePlan/e-1/_history/1",),
        clinician_id="clinician-1",
        recorded_at=NOW,
        simulated=False,
    )
    require_valid(made)
    assert _agents(made) == [("author", "Practitioner/clinician-1")]
    assert "reason" not in made
