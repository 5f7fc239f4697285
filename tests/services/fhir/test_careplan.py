"""The envelope in FHIR: every limit stands in it, ranges only in its options."""

import pytest

from services.clinical.envelope import Stage
from services.fhir import codes
from services.fhir.careplan import (
    NotSigned,
    care_plan,
    envelope_resources,
    plan_address,
    plan_definition,
)
from services.fhir.checks import require_valid, select
from services.fhir.definitions import limit_names
from tests.services.fhir.builders import NOW, envelope


def test_all_resources_of_a_signed_version_are_valid_and_hang_together() -> None:
    made = envelope_resources(envelope=envelope(), ai_device_id="ai-1", simulated=True)
    for resource in made:
        require_valid(resource)
    addresses = {f"{r['resourceType']}/{r['id']}" for r in made}
    plan, group = made[0], made[1]
    assert set(select(plan, "activity.reference.reference")) <= addresses
    assert set(select(group, "action.action.resource.reference")) <= addresses


def test_a_plan_that_only_proposes_is_valid_and_offers_nothing() -> None:
    plan = envelope(stage=Stage.PROPOSE_ONLY, bounds=())
    made = envelope_resources(envelope=plan, ai_device_id="ai-1", simulated=True)
    for resource in made:
        require_valid(resource)
    assert "action" not in made[1]
    assert [r["resourceType"] for r in made] == ["CarePlan", "RequestGroup", "Consent"]


def test_a_range_stands_in_the_options_only() -> None:
    made = envelope_resources(envelope=envelope(), ai_device_id="ai-1", simulated=True)
    ranges = {
        str(r.get("intent")): list(select(r, "dosageInstruction.doseAndRate.doseRange.high.value"))
        for r in made
        if r["resourceType"] == "MedicationRequest"
    }
    assert list(ranges) == ["option"]
    assert [int(str(value)) for value in ranges["option"]] == [10]


def test_every_limit_is_written_under_its_published_name() -> None:
    plan = care_plan(envelope=envelope(), simulated=True)
    assert set(select(plan, "extension.extension.url")) == limit_names()
    assert list(select(plan, "extension.url")) == [codes.EXTENSION_LIMITS]


def test_a_loosened_limit_changes_the_plan() -> None:
    before = require_valid(care_plan(envelope=envelope(), simulated=True))
    after = require_valid(care_plan(envelope=envelope(min_interval_days=14), simulated=True))
    assert before != after


def test_a_revoked_envelope_permits_nothing_any_more() -> None:
    made = envelope_resources(
        envelope=envelope(revoked_at=NOW), ai_device_id="ai-1", simulated=True
    )
    assert {str(r["status"]) for r in made} == {"revoked", "cancelled", "inactive"}


def test_a_draft_is_no_plan() -> None:
    with pytest.raises(NotSigned):
        care_plan(envelope=envelope(signed_by=None, signed_at=None), simulated=True)


def test_recommendations_cite_the_exact_version() -> None:
    assert plan_address("e-1", 3) == "CarePlan/e-1/_history/3"


def test_the_protocol_is_published() -> None:
    protocol = plan_definition(version="1", approved_at=NOW)
    require_valid(protocol)
    assert protocol["url"] == codes.PROTOCOL_URL
