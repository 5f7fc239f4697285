"""Earned autonomy at the door: one clinician signs what the record earns, two sign the rest."""

import json

from services import clock
from services.clinical.autonomy import Setback
from services.store import Acting, envelopes, resources
from tests.clinician_app import clinic
from tests.clinician_app.api.conftest import BEN, BOUNDS, Case


async def test_what_is_not_earned_yet_takes_two_and_both_are_on_record(case: Case) -> None:
    await clinic.clinician(case.api.store, "desk", role="registrar")
    terms = (await case.shown())["suggested"] | {"stage": "bounded_steps", "bounds": BOUNDS}
    alone = await case.sign(terms, 0, training_finished=True)
    (error,) = alone.json()["errors"]
    assert "not earned yet, trained, 0 of 0 proposals agreed to" in error["detail"]
    for wrong in (
        {"username": "anna", "password": clinic.PASSWORD},
        {"username": "desk", "password": clinic.PASSWORD},
        {"username": "ben", "password": "not his password"},
        {"username": "nobody", "password": clinic.PASSWORD},
    ):
        refused = await case.sign(terms, 0, second=wrong)
        assert refused.status_code == 403, (wrong, refused.text)
    assert (await case.shown())["version"] == 0
    looser = terms | {"steps_allowed": 3, "egfr_at_least_thousandths": 30_000}
    signed = await case.sign(looser, 0, second=BEN, training_finished=True)
    assert signed.status_code == 200, signed.text
    history = (await case.api.http.get(f"{case.path}/history", headers=case.token)).json()
    assert history["versions"][0]["second"]["printed_name"] == "Dr Ben"
    assert "was trained" in history["versions"][0]["signature"]["meaning"]
    patient_id = case.path.split("/")[3]
    async with case.api.worker.transaction(Acting("worker", "w", patient_id)) as tx:
        in_force = await envelopes.current(tx, patient_id)
        plan = await resources.get(tx, "CarePlan", in_force.envelope_id if in_force else "")
    assert in_force is not None and in_force.second_signed_by not in (None, in_force.signed_by)
    (contributor,) = json.loads(plan.body)["contributor"]
    assert contributor["reference"] == f"Practitioner/{in_force.second_signed_by}"


async def test_a_record_earns_the_next_stage_for_one_signature_and_a_setback_takes_it(
    case: Case,
) -> None:
    patient_id = case.path.split("/")[3]
    terms = (await case.shown())["suggested"] | {"bounds": BOUNDS}
    assert (await case.sign(terms, 0)).status_code == 200
    assert (await case.shown())["earned"]["stage"] == "propose_only"
    await clinic.decided(
        case.api.store, case.api.worker, patient_id, case.anna, ("accept", "defer", "accept")
    )
    shown = (await case.shown())["earned"]
    assert (shown["stage"], shown["proposals_agreed"]) == ("one_step", 2)
    stepping = terms | {"stage": "one_step"}
    untrained = await case.sign(stepping, 1)
    assert untrained.status_code == 422 and "training not confirmed" in untrained.text
    two_at_once = await case.sign(terms | {"stage": "bounded_steps"}, 1, training_finished=True)
    assert two_at_once.status_code == 422
    assert (await case.sign(stepping, 1, training_finished=True)).status_code == 200
    async with case.api.worker.transaction(Acting("worker", "w", patient_id)) as tx:
        in_force = await envelopes.current(tx, patient_id)
        assert in_force is not None
        await envelopes.demote(tx, in_force, frozenset({Setback.DRIFT}), now=clock.now())
    fallen = (await case.shown())["earned"]
    assert (fallen["stage"], fallen["proposals_reviewed"]) == ("propose_only", 0)
    assert (await case.sign(stepping, 2, training_finished=True)).status_code == 422
