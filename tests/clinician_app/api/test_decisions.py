"""The decision: fields by kind, the password again, the version shown, once, never by default."""

from datetime import timedelta
from typing import Any

import pytest

from services import clock
from services.ids import new_id
from services.store import Acting, documents, reviews
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api


class Case:
    """An open review with a signed-in clinician."""

    def __init__(self, api: Api, anna: str, patient_id: str, review_id: str, token: dict[str, str]):
        self.api, self.anna, self.patient_id, self.review_id = api, anna, patient_id, review_id
        self.token = token

    async def shown(self) -> tuple[dict[str, Any], str]:
        answer = await self.api.http.get(f"/v1/reviews/{self.review_id}", headers=self.token)
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["ETag"]

    async def decide(self, etag: str | None, key: str | None = None, **body: Any) -> Any:
        named = {"If-Match": etag, "Idempotency-Key": key or new_id()}
        headers = {**self.token, **{k: v for k, v in named.items() if v is not None}}
        sent = {"password": clinic.PASSWORD, "dwell_s": 30, **body}
        return await self.api.http.post(
            f"/v1/reviews/{self.review_id}/decision", json=sent, headers=headers
        )

    async def decisions(self) -> Any:
        async with self.api.store.transaction(Acting("clinician", self.anna, None)) as tx:
            return await reviews.decisions(tx, self.review_id)


@pytest.fixture
async def case(api: Api) -> Case:
    anna = await clinic.clinician(api.store, "anna")
    patient_id = await clinic.patient(api.store, anna, clinic.Sick("Ada, A"))
    outcome = await clinic.assess(api.worker, patient_id)
    assert outcome.review_id is not None
    return Case(api, anna, patient_id, outcome.review_id, await api.sign_in("anna"))


async def test_a_review_shows_proposal_reasons_checks_and_other_legal_doses(case: Case) -> None:
    body, etag = await case.shown()
    assert etag == '"1"'
    assert body["proposal"]["words"] and "80 % interval" in body["proposal"]["expected"]
    assert 1 <= len(body["pro"]) <= 3 and len(body["contra"]) <= 3
    assert body["checks_passed"] > 20
    ids = [option["move_id"] for option in body["options"]]
    assert ids and body["proposal"]["move_id"] not in ids and "keep" not in ids
    assert not any(c["strength"] == "hard" for o in body["options"] for c in o["checks"])
    assert body["decision"] is None and body["header"]["simulated"] is True


async def test_a_signed_rejection_is_on_record_with_name_time_meaning_and_hash(case: Case) -> None:
    _, etag = await case.shown()
    answer = await case.decide(etag, kind="reject", reason_code="frailty_or_falls")
    assert answer.status_code == 200, answer.text
    # Nothing listens where the loops should be: the decision is kept and will be carried out.
    assert answer.json()["outcome"] == "pending"
    (kept,) = await case.decisions()
    assert (kept.kind, kept.dwell_s, kept.body.reason_code) == ("reject", 30, "frailty_or_falls")
    signature = kept.body.signature
    assert signature.printed_name == "Dr Anna" and signature.clinician_id == case.anna
    assert signature.meaning == "I reviewed this proposal and decide as shown"
    async with case.api.store.transaction(Acting("clinician", case.anna, None)) as tx:
        record = await reviews.record(tx, case.review_id)
    assert signature.record_sha256 == documents.sha256(record)
    assert "review.decided" in await case.api.actions_for(case.anna, case.patient_id)
    timeline = await case.api.http.get(
        f"/v1/patients/{case.patient_id}/timeline", headers=case.token
    )
    decided = [e for e in timeline.json()["events"] if e["words"].startswith("Review decided")]
    assert decided[0]["signature"] == "Dr Anna: I reviewed this proposal and decide as shown"


async def test_the_same_key_signs_once_and_answers_the_same(case: Case) -> None:
    _, etag = await case.shown()
    key = new_id()
    first = await case.decide(etag, key, kind="reject", reason_code="labs_first")
    again = await case.decide(etag, key, kind="reject", reason_code="labs_first", dwell_s=99)
    assert first.json()["decision_id"] == again.json()["decision_id"]
    assert len(await case.decisions()) == 1
    other = await case.decide(etag, key, kind="reject", reason_code="adherence_first")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_second_decision_is_refused(case: Case) -> None:
    _, etag = await case.shown()
    await case.decide(etag, kind="reject", reason_code="labs_first")
    again = await case.decide(etag, kind="reject", reason_code="labs_first")
    assert again.status_code in (409, 412)
    assert len(await case.decisions()) == 1


async def test_a_review_that_changed_since_it_was_shown_is_refused(case: Case) -> None:
    _, etag = await case.shown()
    async with case.api.worker.transaction(Acting("worker", "w", case.patient_id)) as tx:
        review = await reviews.get(tx, case.review_id)
        await reviews.supersede(tx, review, review.assessment_id, now=clock.now())
    answer = await case.decide(etag, kind="reject", reason_code="labs_first")
    assert (answer.status_code, answer.json()["code"]) == (412, "version_changed")
    assert await case.decisions() == ()
    _, fresh = await case.shown()
    assert (await case.decide(fresh, kind="reject", reason_code="labs_first")).status_code == 200


async def test_without_a_version_or_a_key_nothing_is_signed(case: Case) -> None:
    _, etag = await case.shown()
    assert (await case.decide(None, kind="reject", reason_code="labs_first")).status_code == 428
    headers = {**case.token, "If-Match": etag}
    body = {
        "kind": "reject",
        "reason_code": "labs_first",
        "password": clinic.PASSWORD,
        "dwell_s": 1,
    }
    answer = await case.api.http.post(
        f"/v1/reviews/{case.review_id}/decision", json=body, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert await case.decisions() == ()


async def test_a_wrong_password_signs_nothing_and_is_logged(case: Case) -> None:
    _, etag = await case.shown()
    answer = await case.decide(
        etag, kind="reject", reason_code="labs_first", password="not my password"
    )
    assert answer.status_code == 403 and "password" in answer.json()["detail"]
    assert await case.decisions() == ()
    assert "sign_in.failed" in await case.api.actions_on(case.anna)


LATER = (clock.now() + timedelta(days=2)).isoformat()


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kind": "reject"}, "/reason_code"),
    ({"kind": "reject", "reason_code": "other"}, "/reason_text"),
    (
        {"kind": "reject", "reason_code": "labs_first", "reason_text": "and more"},
        "/reason_text",
    ),
    ({"kind": "accept", "reason_code": "labs_first"}, "/reason_code"),
    ({"kind": "accept", "move_id": "keep"}, "/move_id"),
    ({"kind": "modify", "reason_code": "labs_first"}, "/move_id"),
    (
        {"kind": "modify", "reason_code": "labs_first", "move_id": "step_up:aspirin:1>2"},
        "/move_id",
    ),
    ({"kind": "modify", "reason_code": "labs_first", "move_id": "keep"}, "/move_id"),
    ({"kind": "defer", "reason_code": "labs_first"}, "/defer_until"),
    ({"kind": "reject", "reason_code": "labs_first", "defer_until": LATER}, "/defer_until"),
    (
        {
            "kind": "accept",
            "overrides": [{"rule_id": "pregnancy", "reason_code": "labs_first"}],
        },
        "/overrides/0/rule_id",
    ),
    ({"kind": "maybe"}, "/kind"),
    ({"kind": "reject", "reason_code": "no_such_reason"}, "/reason_code"),
    ({"kind": "reject", "reason_code": "labs_first", "surprise": 1}, "/surprise"),
    ({}, "/kind"),
)


async def test_each_kind_has_its_fields_and_no_others(case: Case) -> None:
    _, etag = await case.shown()
    for body, pointer in WRONG:
        answer = await case.decide(etag, **body)
        assert answer.status_code == 422, (body, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], body
    assert await case.decisions() == ()


async def test_a_modified_dose_is_kept_as_the_move_that_was_signed(case: Case) -> None:
    body, etag = await case.shown()
    move_id = body["options"][0]["move_id"]
    answer = await case.decide(
        etag, kind="modify", move_id=move_id, reason_code="other", reason_text="smaller step"
    )
    assert answer.status_code == 200, answer.text
    (kept,) = await case.decisions()
    assert (kept.body.move_id, kept.body.reason_text) == (move_id, "smaller step")
    closed, _ = await case.shown()
    assert closed["decision"].startswith("Modify, because: other. Signed by Dr Anna")


async def test_nobody_decides_on_another_clinicians_patient(case: Case) -> None:
    await clinic.clinician(case.api.store, "ben")
    _, etag = await case.shown()
    case.token = await case.api.sign_in("ben")
    answer = await case.decide(etag, kind="reject", reason_code="labs_first")
    assert answer.status_code == 404
