"""What the guard said is written whole: every finding, every missing input, every override."""

import pytest

from services.clinical.moves import KEEP
from services.clinical.proposal import Override, RankedMove, Ranking
from services.clinical.verdict import (
    Advise,
    Ask,
    Finding,
    FindingKind,
    NeedsData,
    Strength,
    Verdict,
)
from services.fhir import codes
from services.fhir.checks import require_valid, select
from services.fhir.guidance import (
    Mitigation,
    detected_issue,
    guidance_response,
    risk_assessment,
)
from services.fhir.issues import issue_code
from services.fhir.resource import Resource
from tests.services.fhir.builders import NOW, PROPOSER, SUBJECT

_NEEDED = Finding(
    "potassium_missing", FindingKind.NEEDS_DATA, Strength.CLINICIAN, missing=("potassium",)
)
_ASKED = Finding("three_drugs", FindingKind.ASK, Strength.AUTONOMY)
_RANKED = RankedMove(KEEP, 500, -42, -91, 7, 61, 3)
_RANKING = Ranking((_RANKED,), 72, "titrator", "1", "features/1")


def _response(verdict: Verdict) -> Resource:
    return guidance_response(
        response_id="g-1",
        assessment_id="a-1",
        subject=SUBJECT,
        verdict=verdict,
        judged_by=PROPOSER,
        ranking=_RANKING,
    )


def test_missing_inputs_are_named() -> None:
    response = _response(NeedsData((_NEEDED,), _NEEDED, ("potassium", "readings")))
    require_valid(response)
    assert response["status"] == "data-required"
    assert list(select(response, "dataRequirement.codeFilter.code.code")) == [
        "potassium",
        "readings",
    ]


@pytest.mark.parametrize("verdict", [Advise(()), Ask((_ASKED,), _ASKED)])
def test_a_judgement_says_its_kind_and_its_rules(verdict: Verdict) -> None:
    response = _response(verdict)
    require_valid(response)
    said = list(select(response, "reasonCode.coding.code"))
    assert said == [verdict.kind, *(finding.rule_id for finding in verdict.findings)]
    assert "dataRequirement" not in response


def test_the_certainty_of_the_ranker_travels_with_it() -> None:
    response = _response(Advise(()))
    assert list(select(response, "extension.url")) == [codes.AI_CONFIDENCE]
    assert list(select(response, "extension.valueQuantity.value")) == [72]


def test_a_risk_assessment_says_both_chances_and_the_bounds() -> None:
    risk = risk_assessment(
        risk_id="r-1",
        subject=SUBJECT,
        ranked=_RANKED,
        ranking=_RANKING,
        judged_by=PROPOSER,
        basis=("Observation/avg-1",),
    )
    body = require_valid(risk)
    assert b'"probabilityDecimal":0.61' in body and b'"probabilityDecimal":0.03' in body
    assert list(select(risk, "note.text")) == [
        "Home systolic average: -4.2 mmHg, 80 % between -9.1 and 0.7 mmHg"
    ]


@pytest.mark.parametrize("passed", [True, False])
def test_an_override_stands_in_the_issue_with_its_signer(passed: bool) -> None:
    mitigation = Mitigation(Override("three_drugs", "specialist_advice"), "clinician-1", NOW)
    issue = detected_issue(
        issue_id="i-1",
        subject=SUBJECT,
        finding=_ASKED,
        description="Already three drugs.",
        implicated=("MedicationRequest/proposal-1",),
        judged_by=PROPOSER,
        mitigation=mitigation if passed else None,
    )
    require_valid(issue)
    assert ("mitigation" in issue) is passed
    expected = ["Practitioner/clinician-1"] if passed else []
    assert list(select(issue, "mitigation.author.reference")) == expected


@pytest.mark.parametrize(
    ("rule_id", "code"),
    [
        ("pregnancy_ras_blocker", "PREG"),
        ("acei_with_arb", "DRG"),
        ("potassium_high", "LAB"),
        ("angioedema_acei", "DINT"),
        ("too_soon", "ACTN"),
    ],
)
def test_a_rule_answers_to_its_alert_code(rule_id: str, code: str) -> None:
    assert issue_code(rule_id) == code
    assert code in codes.ISSUE_CODES
