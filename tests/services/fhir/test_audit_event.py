"""Every act of the log can be printed in the BALP pattern, and prints no more than the leaf."""

import json

import pytest

from services.audit.actions import Action
from services.audit.event import ActorKind, AuditEvent, Outcome, leaf_bytes, parse_leaf
from services.fhir.audit_event import audit_event
from services.fhir.checks import require_valid, select
from tests.services.fhir.builders import NOW


def _event(action: Action, outcome: Outcome = Outcome.SUCCESS) -> AuditEvent:
    return AuditEvent(
        event_id="33333333-3333-4333-8333-333333333333",
        occurred_at=NOW,
        action=action,
        actor_kind=ActorKind.CLINICIAN,
        actor_pseudonym="a" * 64,
        patient_pseudonym="b" * 64,
        subject_type="MedicationRequest",
        subject_id="order-1@2",
        payload_commitment=None,
        outcome=outcome,
        details=(("request_id", "r-1"), ("rule", "too_soon")),
    )


@pytest.mark.parametrize("action", list(Action))
def test_every_act_is_valid_with_one_client_and_one_server(action: Action) -> None:
    printed = audit_event(_event(action))
    require_valid(printed)
    assert list(select(printed, "subtype.code"))[1] == action.value


@pytest.mark.parametrize(
    ("action", "client"),
    [(Action.RECORD_READ, "110152"), (Action.ORDER_ENACTED, "110153")],
)
def test_on_a_read_the_server_is_the_source(action: Action, client: str) -> None:
    printed = audit_event(_event(action))
    roles = list(select(printed, "agent.type.coding.code"))
    requestor = list(select(printed, "agent.requestor"))
    assert roles[requestor.index(True)] == client


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.SUCCESS, "0"), (Outcome.REFUSED, "4"), (Outcome.FAILED, "8")],
)
def test_a_refusal_is_not_printed_as_a_success(outcome: Outcome, code: str) -> None:
    printed = audit_event(_event(Action.RECORD_READ, outcome))
    require_valid(printed)
    assert printed["outcome"] == code
    assert ("meta" in printed) is (outcome is Outcome.SUCCESS)


def test_the_printed_event_is_made_from_the_leaf_alone() -> None:
    event = _event(Action.ORDER_ENACTED)
    again = audit_event(parse_leaf(leaf_bytes(event)))
    assert json.dumps(again) == json.dumps(audit_event(event))


def test_request_and_patient_stand_among_the_entities() -> None:
    printed = audit_event(_event(Action.RECORD_READ))
    assert list(select(printed, "entity.what.identifier.value")) == [
        "MedicationRequest/order-1@2",
        "b" * 64,
        "r-1",
    ]
