"""Imports: a living patient from real synthetic records, nothing guessed, no dose moved."""

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.access.policy import Role as AccessRole
from services.clinical.formulary import Drug
from services.clinical.laboratory import read_laboratory
from services.clinical.patient import DoseChangeRecord, Lab
from services.clinical.units import Micrograms
from services.ids import new_id
from services.store import (
    Role,
    credentials,
    labs,
    patients,
    readings,
    regimen,
    resources,
    snapshots,
    tasks,
)
from services.store.roles import Acting
from services.store.rows import ClinicianRow
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone, bundle, potassium
from tests.stack import StoreFactory

RECORDS = Path(__file__).parents[2] / "demo" / "data" / "fhir" / "patients"
QUERY = "/v1/imports?simulated=true&timezone=Europe/Berlin"


def order(code: str, name: str, dose: dict[str, Any] | None = None) -> dict[str, Any]:
    """An active order of a product; `dose` is its dosageInstruction."""
    rxnorm = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}
    return {
        "resourceType": "MedicationRequest",
        "id": new_id(),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{**rxnorm, "display": name}], "text": name},
        "authoredOn": "2026-01-05T08:00:00Z",
        **({} if dose is None else {"dosageInstruction": [dose]}),
    }


def daily(milligrams: float) -> dict[str, Any]:
    ucum = {"system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"}
    return {
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": milligrams, **ucum}}],
    }


async def test_a_real_synthetic_record_comes_in_whole(gateway: Gateway) -> None:
    record = gzip.decompress(
        min(RECORDS.glob("*.json.gz"), key=lambda p: p.stat().st_size).read_bytes()
    )
    body = gzip.compress(record)
    answer = await gateway.clinician().post(QUERY, body, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 201, answer.text
    content = answer.json()
    assert content["facts"]["hypertension"] and content["facts"]["resources"] > 10
    patient_id = content["patient_id"]
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        facts = await patients.facts(tx, patient_id)
        now = gateway.clock()
        kept = await readings.between(tx, patient_id, now - timedelta(days=36500), now)
        open_tasks = await tasks.list_open(tx, patient_id)
    assert not facts.medicines_complete and not facts.conditions_complete
    assert len(kept) == content["facts"]["office_readings"]
    assert all(reading.history for reading in kept)
    assert "check_lists" in {task.task_kind for task in open_tasks}


async def test_a_known_dose_enters_the_regimen_and_an_unknown_one_does_not(
    gateway: Gateway,
) -> None:
    body = bundle(
        "Canaryson",
        order("197361", "amlodipine 5 MG Oral Tablet", daily(5)),
        order("314076", "lisinopril 10 MG Oral Tablet"),
    )
    content = (await gateway.clinician().post(QUERY, body)).json()
    async with gateway.store.transaction(Acting("system", "t", content["patient_id"])) as tx:
        (item,) = await regimen.current(tx, content["patient_id"])
        stored = await resources.get(tx, "MedicationRequest", item.order_id)
    assert (item.drug.value, item.daily_dose_ug, item.tablet_strength_ug) == (
        "amlodipine", 5000, 5000,
    )  # fmt: skip
    assert json.loads(stored.body)["id"] == item.order_id
    assert "dose" in {unknown["kind"] for unknown in content["unknowns"]}


async def test_a_drug_that_was_stopped_here_is_not_taken_up_again_by_an_import(
    gateway: Gateway,
) -> None:
    first = bundle("Canaryson", order("197361", "amlodipine 5 MG Oral Tablet", daily(5)))
    patient_id = (await gateway.clinician().post(QUERY, first)).json()["patient_id"]
    stopped = DoseChangeRecord(
        Drug.AMLODIPINE, Micrograms(5000), Micrograms(0), gateway.clock(), False, None
    )
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        await regimen.note_changes(tx, patient_id, [stopped])
        await regimen.replace_all(tx, patient_id, [], now=gateway.clock())
    again = order("197361", "amlodipine 5 MG Oral Tablet", daily(5))
    about = {"subject": {"reference": f"Patient/{patient_id}"}}
    more = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {**again, **about}}],
    }
    answer = await gateway.clinician().post(f"/v1/imports/{patient_id}", more)
    assert "conflicting_requests" in {item["kind"] for item in answer.json()["unknowns"]}
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        assert await regimen.current(tx, patient_id) == ()


async def test_a_corrected_result_of_the_same_sample_is_kept_and_is_the_latest(
    gateway: Gateway,
) -> None:
    first = bundle("Canaryson", potassium(4.6, "2026-03-01T08:00:00Z"))
    patient_id = (await gateway.clinician().post(QUERY, first)).json()["patient_id"]
    about = {"subject": {"reference": f"Patient/{patient_id}"}}
    corrected = potassium(6.4, "2026-03-01T08:00:00Z")
    more = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {**corrected, **about}}],
    }
    for _ in range(2):
        gateway.clock.forward(minutes=1)
        answer = await gateway.clinician().post(f"/v1/imports/{patient_id}", more)
        assert answer.status_code == 200, answer.text
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        snapshot, _ = await snapshots.build(tx, patient_id, now=gateway.clock())
    values = [result.value_thousandths for result in snapshot.labs]
    assert values == [4600, 6400]
    assert read_laboratory(snapshot, gateway.clock()).potassium == 6400


async def test_an_addition_brings_labs_once_and_never_moves_a_dose(gateway: Gateway) -> None:
    first = bundle("Canaryson", order("197361", "amlodipine 5 MG Oral Tablet", daily(5)))
    patient_id = (await gateway.clinician().post(QUERY, first)).json()["patient_id"]

    def more(*items: dict[str, Any]) -> dict[str, Any]:
        about = {"subject": {"reference": f"Patient/{patient_id}"}}
        entries = [{"resource": {**item, **about}} for item in items]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    lab = potassium(4.6, "2026-03-01T08:00:00Z")
    doubled = order("308136", "amlodipine 2.5 MG Oral Tablet", daily(10))
    for _ in range(2):
        answer = await gateway.clinician().post(f"/v1/imports/{patient_id}", more(lab, doubled))
        assert answer.status_code == 200, answer.text
    assert "conflicting_requests" in {item["kind"] for item in answer.json()["unknowns"]}
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        (item,) = await regimen.current(tx, patient_id)
        found = await labs.between(
            tx, patient_id, gateway.clock() - timedelta(days=99), gateway.clock()
        )
    assert item.daily_dose_ug == 5000
    assert [(one.lab, one.value_thousandths) for one in found] == [(Lab.POTASSIUM, 4600)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"deceasedBoolean": True}, "deceased"),
        ({"deceasedDateTime": "2020-01-01"}, "deceased"),
    ],
)
async def test_the_dead_are_not_enrolled(
    gateway: Gateway, change: dict[str, Any], reason: str
) -> None:
    answer = await gateway.clinician().post(QUERY, bundle("Canaryson", **change))
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["reason"]) == (
        422, "bundle_refused", reason,
    )  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"resourceType": "Patient"}', b'{"resourceType": "Bundle"}']
)
async def test_what_is_no_bundle_is_refused(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.clinician().post(QUERY, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bundle_refused")


@pytest.mark.parametrize(
    "query",
    ["", "?simulated=true", "?timezone=UTC", "?simulated=perhaps&timezone=UTC",
     "?simulated=true&timezone=Moon/Crater"],
)  # fmt: skip
async def test_simulated_and_a_time_zone_must_be_said(gateway: Gateway, query: str) -> None:
    answer = await gateway.clinician().post(f"/v1/imports{query}", bundle())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_the_same_key_enrols_once(gateway: Gateway) -> None:
    body = bundle()
    answers = [await gateway.clinician().post(QUERY, body, key="import-key") for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_a_registrar_names_the_clinician(gateway: Gateway) -> None:
    registrar = gateway.clinician(AccessRole.REGISTRAR, who=new_id())
    assert (await registrar.post(QUERY, bundle())).status_code == 422
    named = await registrar.post(f"{QUERY}&clinician_id={gateway.clinician_id}", bundle())
    assert named.status_code == 201
    nobody = await registrar.post(f"{QUERY}&clinician_id={new_id()}", bundle())
    assert nobody.status_code == 404


async def test_a_clinician_adds_to_their_own_patients_only(
    gateway: Gateway, phone: Phone, store_factory: StoreFactory
) -> None:
    other = new_id()
    accounts = await store_factory(Role.CLINICIAN)
    async with accounts.transaction(Acting("system", "test", None)) as tx:
        row = ClinicianRow(other, "bob", "-", "Dr Bob", frozenset({"clinician"}), None, True, None)
        await credentials.add_clinician(tx, row, now=gateway.clock())
    empty = {"resourceType": "Bundle", "type": "collection", "entry": []}
    answer = await gateway.clinician(who=other).post(f"/v1/imports/{phone.patient_id}", empty)
    assert answer.status_code == 404
    invented = await gateway.clinician().post(f"/v1/imports/{new_id()}", empty)
    assert invented.status_code == 404
