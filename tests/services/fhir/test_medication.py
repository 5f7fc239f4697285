"""A proposal orders nothing; an order has one fixed dose and a clinician who answers for it."""

import pytest

from services.clinical.formulary import Drug
from services.clinical.moves import DoseChange, MoveKind
from services.clinical.units import Micrograms
from services.fhir import codes
from services.fhir.checks import InvalidResource, require_valid, select
from services.fhir.medication import (
    StopReason,
    imported_order,
    order,
    proposal,
    taken,
    with_status,
)
from services.fhir.resource import Authority, Resource
from tests.services.fhir.builders import AUTHORITY, NOW, PROPOSER, STOP, SUBJECT, UP


def _proposal(change: DoseChange = UP, kind: MoveKind = MoveKind.STEP_UP) -> Resource:
    return proposal(
        request_id="proposal-1",
        subject=SUBJECT,
        change=change,
        move_kind=kind,
        times_a_day=1,
        proposed_by=PROPOSER,
        prior_order_id="order-0",
        supporting=("Observation/avg-1",),
    )


def _order(authority: Authority = AUTHORITY, change: DoseChange = UP) -> Resource:
    return order(
        order_id="order-1",
        subject=SUBJECT,
        change=change,
        times_a_day=1,
        tablet_ug=Micrograms(5000),
        based_on=("MedicationRequest/proposal-1",),
        authority=authority,
        prior_order_id="order-0",
    )


def test_a_proposal_is_a_labelled_draft_of_the_device() -> None:
    draft = _proposal()
    require_valid(draft)
    assert (draft["status"], draft["intent"]) == ("draft", "proposal")
    assert "AIAST" in list(select(draft, "meta.security.code"))
    assert draft["requester"] == {"reference": "Device/ai-1"}
    assert draft["priorPrescription"] == {"reference": "MedicationRequest/order-0"}


def test_a_proposal_that_rests_on_nothing_yet_is_still_valid() -> None:
    bare = proposal(
        request_id="proposal-1",
        subject=SUBJECT,
        change=UP,
        move_kind=MoveKind.STEP_UP,
        times_a_day=1,
        proposed_by=PROPOSER,
        prior_order_id=None,
        supporting=(),
    )
    require_valid(bare)
    assert "supportingInformation" not in bare and "priorPrescription" not in bare


def test_a_proposal_without_its_label_is_refused_on_write() -> None:
    with pytest.raises(InvalidResource, match="AIAST"):
        require_valid(_proposal() | {"meta": {}})


def test_a_proposal_to_stop_says_not_to_take_it() -> None:
    stop = _proposal(STOP, MoveKind.STOP)
    require_valid(stop)
    assert stop["doNotPerform"] is True
    assert list(select(stop, "extension.valueCode")) == ["stop"]


def test_an_order_has_a_clinician_a_basis_and_one_dose() -> None:
    live = _order()
    body = require_valid(live)
    assert (live["status"], live["intent"]) == ("active", "order")
    assert live["requester"] == {"reference": "Practitioner/clinician-1"}
    assert live["basedOn"] == [{"reference": "MedicationRequest/proposal-1"}]
    assert "performer" not in live
    assert b'"doseQuantity":{"code":"mg"' in body and b'"value":10}' in body
    assert list(select(live, "dosageInstruction.text")) == [
        "10 mg by mouth once a day: 2 of the 5 mg tablets"
    ]


def test_a_step_inside_the_envelope_names_device_and_authorising_clinician() -> None:
    live = _order(Authority("clinician-1", NOW, ai_device_id="ai-1"))
    require_valid(live)
    assert live["performer"] == {"reference": "Device/ai-1"}
    assert live["requester"] == {"reference": "Practitioner/clinician-1"}


def test_a_stop_is_not_an_order() -> None:
    with pytest.raises(ValueError, match="not an order"):
        _order(change=STOP)


def test_a_daily_dose_is_divided_exactly_or_not_at_all() -> None:
    twice = {"daily_dose_ug": Micrograms(12500), "times_a_day": 2, "drug": Drug.CARVEDILOL}
    body = imported_order(
        order_id="o",
        subject=SUBJECT,
        since=NOW,
        clinician_id="c",
        **twice,  # type: ignore[arg-type]
    )
    assert b'"value":6.25' in require_valid(body)
    with pytest.raises(ValueError, match="divide"):
        imported_order(
            order_id="o",
            subject=SUBJECT,
            since=NOW,
            clinician_id="c",
            drug=Drug.CARVEDILOL,
            daily_dose_ug=Micrograms(12500),
            times_a_day=3,
        )


def test_a_new_status_changes_nothing_else() -> None:
    before = _order()
    after = with_status(before, status="stopped", reason=StopReason.REPLACED)
    require_valid(after)
    assert {k: v for k, v in after.items() if k not in ("status", "statusReason")} == {
        k: v for k, v in before.items() if k != "status"
    }
    assert before["status"] == "active"


@pytest.mark.parametrize(("was_taken", "status"), [(True, "completed"), (False, "not-taken")])
def test_a_dose_left_out_is_not_a_dose_taken(was_taken: bool, status: str) -> None:
    statement = taken(
        statement_id="dose-1",
        subject=SUBJECT,
        drug=Drug.AMLODIPINE,
        intake_dose_ug=Micrograms(5000),
        taken_at=NOW,
        was_taken=was_taken,
        order_id="order-1",
    )
    require_valid(statement)
    assert statement["status"] == status


def test_every_drug_has_its_ingredient_code() -> None:
    assert set(codes.INGREDIENTS) == set(Drug)
    assert len(set(codes.INGREDIENTS.values())) == len(Drug)
