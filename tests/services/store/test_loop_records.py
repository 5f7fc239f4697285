"""The loops on the record: one assessment a key, one enactment a basis, whoever asks how often."""

import asyncio
from datetime import timedelta

import pytest

from services.clinical.envelope import Stage
from services.clinical.formulary import Drug
from services.clinical.titration import Titrator
from services.clinical.units import Mmhg
from services.ids import new_id
from services.loop_results import (
    AdviceOutcome,
    Answer,
    AnswerStatus,
    ClaimStatus,
    EnactBasis,
    EnactKind,
    HaltedBy,
    ReminderReason,
    ReviewOutcome,
    ReviewStatus,
    TaskKind,
    VerdictKind,
)
from services.store import (
    Changed,
    NotInRecord,
    NotOpen,
    Role,
    Store,
    advice,
    assessments,
    documents,
    events,
    messages,
    readings,
    regimen,
    resources,
    reviews,
    tasks,
)
from services.store.entries import DecisionBody, NewDecision
from services.store.loop_records import LoopRecords
from services.store.rows import NewReading
from tests.services.store.people import (
    NOW,
    Person,
    acting_as,
    enrol,
    enrol_treated,
    signature,
)
from tests.stack import StoreFactory

PREDICTOR = Titrator()


async def opened(store_factory: StoreFactory) -> tuple[Store, LoopRecords]:
    return await store_factory(Role.CLINICIAN), LoopRecords(await store_factory(Role.WORKER))


async def accepted_advice(store: Store, records: LoopRecords) -> tuple[Person, str]:
    person = await enrol_treated(store)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.verdict_kind is VerdictKind.ADVISE, outcome
    assert outcome.advice_id is not None
    status = await records.record_answer(
        outcome.advice_id, patient_id=person.patient_id, answer=Answer.ACCEPT, now=NOW
    )
    assert status is AnswerStatus.RECORDED
    return person, outcome.advice_id


async def decide(
    store: Store, person: Person, review_id: str, kind: str, version: int | None = None
) -> NewDecision:
    async with acting_as(store, person) as tx:
        review = await reviews.get(tx, review_id)
        body = await reviews.record(tx, review_id)
        signed = signature(person.clinician_id, body)
        decision = NewDecision(
            decision_id=new_id(),
            review_id=review_id,
            review_version=review.version if version is None else version,
            kind=kind,  # type: ignore[arg-type]
            clinician_id=person.clinician_id,
            dwell_s=31.5,
            body=DecisionBody(None, None, "looks right", (), None, signed),
        )
        await reviews.record_decision(tx, decision, now=NOW)
    return decision


async def close(records: LoopRecords, review_id: str, outcome: ReviewOutcome) -> None:
    await records.close_review(review_id, outcome=outcome, known_decision_ids=(), now=NOW)


async def test_the_same_key_is_assessed_once(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store)
    first = await records.assess(person.patient_id, key="k", predictor=PREDICTOR, now=NOW)
    again = await records.assess(
        person.patient_id, key="k", predictor=PREDICTOR, now=NOW + timedelta(hours=1)
    )
    assert again == first
    async with acting_as(store, person) as tx:
        assert len(await assessments.list_for(tx, person.patient_id)) == 1
        document = await assessments.document(tx, first.assessment_id)
    assert document.assessment.verdict.kind == "advise"
    assert document.snapshot.patient_id == person.patient_id
    assert len(document.snapshot.readings) == 32


async def test_accepted_advice_becomes_one_order_however_often_it_is_enacted(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    outcomes = await asyncio.gather(
        *(
            records.enact(
                person.patient_id,
                key=f"enact-{number}",
                basis=EnactBasis.ADVICE,
                basis_id=advice_id,
                now=NOW,
            )
            for number in range(6)
        )
    )
    kinds = sorted(outcome.kind.value for outcome in outcomes)
    assert kinds == ["already"] * 5 + ["enacted"]
    assert len({outcome.order_ids for outcome in outcomes}) == 1
    async with acting_as(store, person) as tx:
        (item,) = await regimen.current(tx, person.patient_id)
        changes = await regimen.changes(tx, person.patient_id)
        orders = await resources.of_patient(tx, person.patient_id, "MedicationRequest")
        timeline = await events.timeline(tx, person.patient_id)
    assert (item.drug, item.daily_dose_ug) == (Drug.AMLODIPINE, 10000)
    assert [change.by_patient for change in changes] == [True]
    live = [order for order in orders if b'"intent":"order"' in order.body]
    assert [order.resource_id for order in live] == list(outcomes[0].order_ids)
    assert [entry.action for entry in timeline].count("order.enacted") == 1


async def test_advice_that_was_not_accepted_is_not_enacted(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.advice_id is not None
    enacted = await records.enact(
        person.patient_id,
        key="e",
        basis=EnactBasis.ADVICE,
        basis_id=outcome.advice_id,
        now=NOW,
    )
    assert (enacted.kind, enacted.reasons) == (EnactKind.REFUSED, ("advice_not_accepted",))
    async with acting_as(store, person) as tx:
        (item,) = await regimen.current(tx, person.patient_id)
    assert item.daily_dose_ug == 5000


async def test_a_crisis_after_the_answer_stops_the_step(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person, advice_id = await accepted_advice(store, records)
    low = NewReading("low", Mmhg(88), Mmhg(58), 60, NOW + timedelta(minutes=1), 0)
    async with acting_as(store, person) as tx:
        await readings.record(tx, person.patient_id, [low], now=NOW + timedelta(minutes=2))
    enacted = await records.enact(
        person.patient_id,
        key="e",
        basis=EnactBasis.ADVICE,
        basis_id=advice_id,
        now=NOW + timedelta(minutes=3),
    )
    assert enacted.kind is EnactKind.REFUSED
    assert enacted.reasons
    async with acting_as(store, person) as tx:
        (item,) = await regimen.current(tx, person.patient_id)
    assert item.daily_dose_ug == 5000


async def test_without_an_envelope_a_clinician_is_asked_and_their_signature_moves_the_dose(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.verdict_kind is VerdictKind.ASK
    assert outcome.review_id is not None
    claimed = await records.claim_review(
        outcome.review_id, clinician_id=person.clinician_id, now=NOW
    )
    assert claimed.status is ClaimStatus.CLAIMED
    decision = await decide(store, person, outcome.review_id, "accept")
    read = await records.decision(decision.decision_id)
    assert read.review_id == outcome.review_id
    enacted = await records.enact(
        person.patient_id,
        key="e",
        basis=EnactBasis.DECISION,
        basis_id=decision.decision_id,
        now=NOW,
    )
    assert enacted.kind is EnactKind.ENACTED, enacted
    assert enacted.order_ids
    assert enacted.follow_ups
    await close(records, outcome.review_id, ReviewOutcome.ENACTED)
    state = await records.review_state(outcome.review_id)
    assert state.status is ReviewStatus.CLOSED
    async with acting_as(store, person) as tx:
        task = await resources.get(tx, "Task", outcome.review_id)
        before = await resources.of_patient(tx, person.patient_id, "Provenance")
    assert task.version == 2
    assert b'"completed"' in task.body
    assert len(before) >= 2


async def test_a_decision_on_an_older_version_of_the_review_is_refused(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.review_id is not None
    with pytest.raises(Changed):
        await decide(store, person, outcome.review_id, "accept", version=7)
    await decide(store, person, outcome.review_id, "reject")
    with pytest.raises(NotOpen):
        await decide(store, person, outcome.review_id, "accept")


async def test_a_signature_over_another_record_is_refused(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.review_id is not None
    async with acting_as(store, person) as tx:
        signed = signature(person.clinician_id, b"another record")
        body = DecisionBody(None, None, None, (), None, signed)
        new = NewDecision(new_id(), outcome.review_id, 1, "accept", person.clinician_id, 9.0, body)
        with pytest.raises(Changed, match="signature"):
            await reviews.record_decision(tx, new, now=NOW)


async def test_a_rejected_move_rests_and_is_not_asked_again_at_once(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    first = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert first.review_id is not None
    await decide(store, person, first.review_id, "reject")
    await close(records, first.review_id, ReviewOutcome.REJECTED)
    later = NOW + timedelta(hours=6)
    second = await records.assess(person.patient_id, key="b", predictor=PREDICTOR, now=later)
    assert second.verdict_kind is VerdictKind.ASK
    assert second.review_id is None


async def test_a_later_assessment_finds_the_review_that_is_open(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    first = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    second = await records.assess(
        person.patient_id, key="b", predictor=PREDICTOR, now=NOW + timedelta(minutes=1)
    )
    assert second.review_id == first.review_id
    assert second.review_opened_at == first.review_opened_at == NOW


async def test_declined_advice_closes_and_is_not_offered_again_at_once(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store)
    first = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert first.advice_id is not None
    declined, changed = [
        await records.record_answer(
            first.advice_id, patient_id=person.patient_id, answer=answer, now=NOW
        )
        for answer in (Answer.DECLINE, Answer.ACCEPT)
    ]
    assert (declined, changed) == (AnswerStatus.RECORDED, AnswerStatus.CHANGED)
    await records.close_advice(first.advice_id, outcome=AdviceOutcome.DECLINED, now=NOW)
    await records.close_advice(first.advice_id, outcome=AdviceOutcome.EXPIRED, now=NOW)
    second = await records.assess(
        person.patient_id, key="b", predictor=PREDICTOR, now=NOW + timedelta(hours=6)
    )
    assert second.advice_id is None
    async with acting_as(store, person) as tx:
        assert (await advice.get(tx, first.advice_id)).outcome == "declined"
        open_tasks = await tasks.list_open(tx, person.patient_id)
    assert [(t.task_kind, t.cause) for t in open_tasks] == [("talk_about_step", "declined")]


async def test_another_patients_advice_is_not_open_to_this_one(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store)
    other = await enrol(store, "Other Person")
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.advice_id is not None
    status = await records.record_answer(
        outcome.advice_id, patient_id=other.patient_id, answer=Answer.ACCEPT, now=NOW
    )
    assert status is AnswerStatus.NOT_OPEN


async def test_a_halted_patient_is_not_advised(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store)
    await records.set_halt(person.patient_id, by=HaltedBy.CLINICIAN, actor_id="c", now=NOW)
    assert (await records.standing(person.patient_id)).halted
    by_patient = await records.lift_halt(
        person.patient_id, by=HaltedBy.PATIENT, actor_id="p", now=NOW
    )
    assert not by_patient
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.advice_id is None
    assert outcome.review_id is None
    assert await records.lift_halt(person.patient_id, by=HaltedBy.CLINICIAN, actor_id="c", now=NOW)
    assert not (await records.standing(person.patient_id)).halted


async def test_missing_labs_open_one_task_each(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=None)
    async with acting_as(store, person) as tx:
        before = len(await tasks.list_open(tx, person.patient_id))
    for key in ("x", "y"):
        args = {"task": TaskKind.CALL_PATIENT, "about_id": None, "now": NOW}
        told = await records.open_task(person.patient_id, key=key, **args)  # type: ignore[arg-type]
        assert told == (person.clinician_id,)
    async with acting_as(store, person) as tx:
        open_now = await tasks.list_open(tx, person.patient_id)
        assert len(open_now) == before + 1
        await tasks.done(tx, open_now[-1].task_id, now=NOW)
    await records.open_task(
        person.patient_id, key="x", task=TaskKind.CALL_PATIENT, about_id=None, now=NOW
    )
    async with acting_as(store, person) as tx:
        assert len(await tasks.list_open(tx, person.patient_id)) == before


async def test_a_reminder_is_put_once_a_key(store_factory: StoreFactory) -> None:
    store, records = await opened(store_factory)
    person = await enrol(store)
    for key in ("a", "a", "b"):
        await records.remind(
            person.patient_id, key=key, reason=ReminderReason.READINGS_DUE, now=NOW
        )
    async with acting_as(store, person) as tx:
        texts = [item.text for item in await messages.list_for(tx, person.patient_id)]
    assert texts == ["readings_due"] * 2


async def test_a_patient_step_of_stage_one_step_is_looked_at_the_next_day(
    store_factory: StoreFactory,
) -> None:
    store, records = await opened(store_factory)
    person = await enrol_treated(store, stage=Stage.ONE_STEP)
    outcome = await records.assess(person.patient_id, key="a", predictor=PREDICTOR, now=NOW)
    assert outcome.advice_id is not None
    await records.record_answer(
        outcome.advice_id, patient_id=person.patient_id, answer=Answer.ACCEPT, now=NOW
    )
    enacted = await records.enact(
        person.patient_id, key="e", basis=EnactBasis.ADVICE, basis_id=outcome.advice_id, now=NOW
    )
    first = enacted.follow_ups[0]
    assert (first.kind.value, first.due_at) == ("clinician_looks_at_step", NOW + timedelta(days=1))


async def test_unknown_ids_are_named_as_such(store_factory: StoreFactory) -> None:
    _, records = await opened(store_factory)
    with pytest.raises(NotInRecord):
        await records.review_state("nothing")
    with pytest.raises(NotInRecord):
        await records.alarm_state("nothing")
    with pytest.raises(NotInRecord):
        await records.decision("nothing")


def test_the_document_of_an_assessment_hashes_as_stored() -> None:
    assert documents.sha256(b"") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
