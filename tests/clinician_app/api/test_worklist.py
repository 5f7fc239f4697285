"""The work-list over HTTP: a clinician's own patients, most urgent first, and that it was read."""

from services import clock
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.store import Acting, Role, alarms, patients, tasks
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api
from tests.stack import StoreFactory


async def test_the_list_shows_own_patients_with_proposal_and_figures(api: Api) -> None:
    mine = await clinic.clinician(api.store, "anna")
    other = await clinic.clinician(api.store, "ben")
    high = await clinic.patient(api.store, mine, clinic.Sick("High, H", 158, 96))
    calm = await clinic.patient(api.store, mine, clinic.Sick("Calm, C", 122, 74))
    await clinic.patient(api.store, other, clinic.Sick("Foreign, F"))
    for patient_id in (high, calm):
        await clinic.assess(api.worker, patient_id)
    answer = await api.http.get("/v1/worklist", headers=await api.sign_in("anna"))
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    assert [row["patient_id"] for row in rows] == [high, calm]
    first, second = rows
    assert first["review_id"] is not None and first["tier"] == "proposal"
    assert first["proposal"] != "–" and first["certainty_percent"] is not None
    assert first["simulated"] is True
    assert 150 <= first["am_systolic"] <= 166
    assert first["in_target_percent"] == 0 and second["in_target_percent"] > 50
    assert len(first["spark"]) == 30
    assert "Foreign" not in answer.text


async def test_an_erased_patient_leaves_the_lists_and_the_others_stay(
    api: Api, store_factory: StoreFactory
) -> None:
    # Not the API's own store: that one would still hold the key in its cache for a moment.
    store = await store_factory(Role.CLINICIAN)
    anna = await clinic.clinician(store, "anna")
    kept = await clinic.patient(store, anna, clinic.Sick("Kept, K"))
    erased = await clinic.patient(store, anna, clinic.Sick("Erased, E"))
    for patient_id in (kept, erased):
        async with api.worker.transaction(Acting("worker", "w", patient_id)) as tx:
            alarm = Alarm(AlarmCause.PERSISTENT_LOW, Urgency.SAME_DAY, clock.now())
            await alarms.raise_or_merge(tx, patient_id, alarm, now=clock.now())
            await tasks.open_task(tx, patient_id, "lab_order", cause="sodium", now=clock.now())
    async with api.worker.transaction(Acting("worker", "w", erased)) as tx:
        await patients.destroy_key(tx, erased, now=clock.now())
    headers = await api.sign_in("anna")
    rows = (await api.http.get("/v1/worklist", headers=headers)).json()["rows"]
    assert [row["patient_id"] for row in rows] == [kept]
    listed = (await api.http.get("/v1/alarms", headers=headers)).json()["alarms"]
    assert [alarm["header"]["patient_id"] for alarm in listed] == [kept]
    open_tasks = (await api.http.get("/v1/tasks", headers=headers)).json()["tasks"]
    assert [task["patient_id"] for task in open_tasks] == [kept]
