"""One patient over HTTP: the record, the trend, the timeline; who looked is in the log."""

from dataclasses import replace
from datetime import timedelta

from services import clock
from services.ids import new_id
from services.store import Acting, credentials
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api

PARTS = (
    "",
    "/trend",
    "/wearable",
    "/timeline",
    "/goals",
    "/messages",
    "/tasks",
    "/envelope",
    "/envelope/history",
)


async def test_the_record_says_who_what_and_what_is_not_known(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A", with_labs=False))
    answer = await api.http.get(f"/v1/patients/{patient_id}", headers=await api.sign_in("anna"))
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["header"]["name"] == "Ada, A" and body["header"]["simulated"] is True
    assert body["header"]["regimen"][0]["daily_dose"] == "5 mg"
    assert body["header"]["envelope"] is None
    assert body["unknowns"] == ["potassium"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_trend_is_binned_by_day(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    answer = await api.http.get(
        f"/v1/patients/{patient_id}/trend?days=30", headers=await api.sign_in("anna")
    )
    body = answer.json()
    assert len(body["days"]) == 30
    assert sum(day["count"] for day in body["days"]) == 28 * 4 == len(body["cuff"])
    assert {hour["hour"] for hour in body["profile"]} == {7, 20}


async def test_each_look_is_one_event_of_the_one_who_looked(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    headers = await api.sign_in("anna")
    for part in PARTS:
        before = len(await api.actions_for(anna, patient_id))
        answer = await api.http.get(f"/v1/patients/{patient_id}{part}", headers=headers)
        assert answer.status_code == 200, (part, answer.text)
        assert (await api.actions_for(anna, patient_id))[before:] == ["record.read"], part


async def test_the_timeline_leaves_out_who_looked_when_asked_to(api: Api) -> None:
    anna = await clinic.clinician(api.store, "anna")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    headers = await api.sign_in("anna")
    path = f"/v1/patients/{patient_id}/timeline"
    await api.http.get(path, headers=headers)
    every, changes = [
        {e["words"] for e in (await api.http.get(f"{path}{q}", headers=headers)).json()["events"]}
        for q in ("", "?reads=false")
    ]
    assert "Record read" in every
    assert changes == every - {"Record read"}
    assert changes


async def test_another_clinicians_patient_and_nobody_are_the_same_not_found(
    api: Api,
) -> None:
    anna = await clinic.clinician(api.store, "anna")
    await clinic.clinician(api.store, "ben")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Canary, C"))
    headers = await api.sign_in("ben")
    for part in PARTS:
        before = len(await api.actions_on(patient_id))
        foreign = await api.http.get(f"/v1/patients/{patient_id}{part}", headers=headers)
        nobody = await api.http.get(f"/v1/patients/{new_id()}{part}", headers=headers)
        assert foreign.status_code == nobody.status_code == 404, part
        assert foreign.json() == nobody.json() and "Canary" not in foreign.text
        assert (await api.actions_on(patient_id))[before:] == ["access.denied"], part


async def test_the_one_who_covers_sees_the_patient_while_the_other_is_away(api: Api) -> None:
    await clinic.clinician(api.store, "ben")
    anna = await clinic.clinician(api.store, "anna", cover="ben")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    headers = await api.sign_in("ben")
    path = f"/v1/patients/{patient_id}"
    assert (await api.http.get(path, headers=headers)).status_code == 404
    now = clock.now()
    async with api.store.transaction(Acting("system", "test", None)) as tx:
        away = replace(await credentials.clinician(tx, anna), away_until=now + timedelta(days=1))
        await credentials.change_clinician(tx, away, now=now)
    assert (await api.http.get(path, headers=headers)).status_code == 200


async def test_what_is_no_id_is_refused_before_anything_is_read(api: Api) -> None:
    await clinic.clinician(api.store, "anna")
    headers = await api.sign_in("anna")
    for bad in ("x", "../etc", "A" * 36, "1" * 40):
        answer = await api.http.get(f"/v1/patients/{bad}", headers=headers)
        assert answer.status_code in (404, 422)
        assert answer.headers["Content-Type"] == "application/problem+json"
