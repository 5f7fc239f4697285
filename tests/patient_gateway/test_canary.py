"""No answer to one patient holds anything of another, and no log line holds anything of anyone."""

import logging

import pytest

from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Phone

READS = ("/v1/me", "/v1/consent", "/v1/plan", "/v1/advice", "/v1/goals", "/v1/messages")


async def live(phone: Phone, canary: str) -> None:
    """Leave a trace of `canary` wherever a patient can."""
    await phone.upload(phone.reading(187, 113, client_id=f"r-{canary}"))
    await phone.post("/v1/goals", {"text": f"goal {canary}"})
    await phone.post("/v1/messages", {"text": f"message {canary}"})
    await phone.post("/v1/halt", {"reason": f"reason {canary}"})


async def test_no_answer_holds_another_patients_canary(gateway: Gateway, phone: Phone) -> None:
    other = await gateway.phone("monitoring", "titration", family="Zanzibar", model="Zanzi-cuff")
    await live(phone, "alpha-own")
    await live(other, "omega-other")
    ids = (other.patient_id, other.tokens["device_id"])
    for path in READS:
        for query in ("", f"?patient_id={other.patient_id}", f"?patient={other.patient_id}"):
            answer = await phone.get(path + query)
            assert answer.status_code == 200
            for canary in ("omega-other", "Zanzibar", "Zanzi-cuff", *ids):
                assert canary not in answer.text
    assert "alpha-own" in (await phone.get("/v1/messages")).text


async def test_another_patients_client_id_is_not_a_duplicate(
    gateway: Gateway, phone: Phone
) -> None:
    other = await gateway.phone("monitoring", family="Second")
    for one in (phone, other):
        answer = await one.upload(one.reading(client_id="shared"))
        assert answer["items"][0]["status"] == "stored"


async def test_no_log_line_and_no_metric_holds_a_name_a_value_or_an_id(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="clinaiops")
    phone = await gateway.phone("monitoring", "titration", family="Zanzibar")
    await live(phone, "omega-canary")
    await phone.post("/v1/readings", {"items": [phone.reading(299, 21, posture="omega-canary")]})
    await phone.post(f"/v1/advice/{phone.patient_id}/answer", {"answer": "accept"})
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "/v1/advice/{advice_id}/answer" in logged
    metrics = (await phone.http.get("/metrics")).text
    assert 'route="/v1/readings"' in metrics
    for text in (logged, metrics):
        for canary in ("Zanzibar", "omega-canary", phone.patient_id, "187", "113"):
            assert canary not in text.replace(str(logging.getLogger()), "") or canary.isdigit()
