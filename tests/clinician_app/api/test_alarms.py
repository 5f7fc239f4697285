"""A page can be answered by whoever got it, through the door, and by nobody else."""

from services import clock
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.store import Acting, alarms
from services.store.loop_records import LoopRecords
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api


async def test_a_lead_who_is_paged_reads_takes_and_closes_the_alarm(api: Api) -> None:
    now = clock.now()
    anna = await clinic.clinician(api.store, "anna")
    lead = await clinic.clinician(api.store, "lena", role="lead")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    async with api.worker.transaction(Acting("worker", "w", patient_id)) as tx:
        crisis = Alarm(AlarmCause.CRISIS_WITH_SYMPTOMS, Urgency.EMERGENCY, now)
        alarm_id = (await alarms.raise_or_merge(tx, patient_id, crisis, now=now)).alarm_id
    headers = await api.sign_in("lena")
    path, note = f"/v1/alarms/{alarm_id}", {"note": "called, is well"}
    before = await api.http.post(f"{path}/acknowledge", json=note, headers=headers)
    assert before.status_code == 404
    told = await LoopRecords(api.worker).escalate_alarm(alarm_id, rung=1, now=now)
    assert lead in told.notify
    listed = (await api.http.get("/v1/alarms", headers=headers)).json()["alarms"]
    assert [alarm["alarm_id"] for alarm in listed] == [alarm_id]
    assert (await api.http.get(f"/v1/patients/{patient_id}", headers=headers)).status_code == 200
    taken = await api.http.post(f"{path}/acknowledge", json=note, headers=headers)
    assert taken.status_code == 200, taken.text
    closed = await api.http.post(f"{path}/close", headers=headers)
    assert closed.status_code == 200, closed.text
    done = await api.actions_for(lead, patient_id)
    assert [a for a in done if a.startswith("alarm.")] == ["alarm.acknowledged", "alarm.closed"]
