"""What an assessment and an enactment write is valid FHIR that cites what it rests on."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from services.clinical.titration import Titrator
from services.fhir.checks import check
from services.loop_results import Answer, EnactBasis, EnactKind
from services.store import Role, Store, envelopes, regimen, resources
from services.store.loop_records import LoopRecords
from services.store.tables.treatment import RESOURCES
from tests.services.store.people import NOW, Person, acting_as, enrol_treated
from tests.services.store.test_loop_records import decide
from tests.stack import StoreFactory

Stored = dict[str, list[dict[str, object]]]


async def everything(store: Store, person: Person) -> Stored:
    """Every version of every resource of the patient, parsed, by type, in order of writing."""
    found: Stored = {}
    async with acting_as(store, person) as tx:
        statement = select(
            RESOURCES.c.resource_type, RESOURCES.c.resource_id, RESOURCES.c.version
        ).order_by(RESOURCES.c.version)
        for kind, name, version in (await tx.session.execute(statement)).all():
            body = (await resources.get(tx, kind, name, version)).body
            found.setdefault(kind, []).append(json.loads(body, parse_float=Decimal))
    return found


async def enacted(store_factory: StoreFactory, basis: EnactBasis) -> tuple[Stored, Store, Person]:
    store = await store_factory(Role.CLINICIAN)
    records = LoopRecords(await store_factory(Role.WORKER))
    in_envelope = basis is EnactBasis.ADVICE
    person = await (enrol_treated(store) if in_envelope else enrol_treated(store, stage=None))
    made = await records.assess(person.patient_id, key="a", predictor=Titrator(), now=NOW)
    if made.advice_id is not None:
        basis_id = made.advice_id
        await records.record_answer(
            basis_id, patient_id=person.patient_id, answer=Answer.ACCEPT, now=NOW
        )
    else:
        assert made.review_id is not None
        basis_id = (await decide(store, person, made.review_id, "accept")).decision_id
    outcome = await records.enact(
        person.patient_id, key="e", basis=basis, basis_id=basis_id, now=NOW
    )
    assert outcome.kind is EnactKind.ENACTED, outcome
    return await everything(store, person), store, person


@pytest.mark.parametrize("basis", list(EnactBasis))
async def test_every_resource_of_a_step_is_valid(
    store_factory: StoreFactory, basis: EnactBasis
) -> None:
    written, _, _ = await enacted(store_factory, basis)
    assert {"GuidanceResponse", "RiskAssessment", "MedicationRequest", "Provenance"} <= set(written)
    for items in written.values():
        for item in items:
            assert list(check(item)) == [], item


async def test_a_step_inside_the_envelope_cites_the_plans_version_and_its_signer(
    store_factory: StoreFactory,
) -> None:
    written, store, person = await enacted(store_factory, EnactBasis.ADVICE)
    async with acting_as(store, person) as tx:
        envelope = await envelopes.current(tx, person.patient_id)
        (item,) = await regimen.current(tx, person.patient_id)
    assert envelope is not None
    plan = f"CarePlan/{envelope.envelope_id}/_history/1"
    (order,) = [r for r in written["MedicationRequest"] if r["intent"] == "order"]
    assert order["id"] == item.order_id
    assert order["basedOn"] == [{"reference": plan}]
    assert order["requester"] == {"reference": f"Practitioner/{person.clinician_id}"}
    assert plan in json.dumps(written["Provenance"], default=str)


async def test_a_signed_decision_cites_the_proposal_and_completes_the_task(
    store_factory: StoreFactory,
) -> None:
    written, _, person = await enacted(store_factory, EnactBasis.DECISION)
    requests = written["MedicationRequest"]
    proposals = [r for r in requests if r["intent"] == "proposal"]
    assert {proposal["status"] for proposal in proposals} == {"draft"}
    orders = [r for r in requests if r["intent"] == "order"]
    # At stage 2 a class is added and the present drug steps up: an order for each.
    assert len(orders) == len(proposals) == 2
    own = [[{"reference": f"MedicationRequest/{proposal['id']}"}] for proposal in proposals]
    assert sorted(str(order["basedOn"]) for order in orders) == sorted(map(str, own))
    assert [task["status"] for task in written["Task"]] == ["requested", "completed"]
    assert f"Practitioner/{person.clinician_id}" in json.dumps(written["Provenance"], default=str)
