"""The work-list over HTTP: a clinician's own patients, most urgent first, and that it was read."""

from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api


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
