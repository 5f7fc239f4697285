"""The patient's loop: when it assesses, what it waits for, and what it never does."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from services.loop_results import (
    AdviceOutcome,
    Answer,
    AssessOutcome,
    Decision,
    DecisionKind,
    EnactKind,
    EnactOutcome,
    FollowUp,
    FollowUpKind,
    HaltedBy,
    ReminderReason,
    ReviewState,
    ReviewStatus,
    TaskKind,
    VerdictKind,
)
from services.outbox_messages import Signal
from tests.workflows.clinic import PATIENT_ID, Clinic, holds, until, wall_clock
from workflows import messages as msg
from workflows.agenda import DueKind
from workflows.client import NotOpen, Rejected
from workflows.messages import AnswerResultStatus

pytestmark = pytest.mark.stack
DAYS = timedelta(days=1)


def advise(clinic: Clinic) -> None:
    clinic.records.verdict = AssessOutcome(
        "assessment", VerdictKind.ADVISE, advice_id="advice", advice_opened_at=wall_clock()
    )


async def test_readings_are_assessed_and_many_at_once_are_few_assessments(
    clinic: Clinic,
) -> None:
    handle = await clinic.start_patient()
    for _ in range(30):
        await clinic.record(handle)
    await clinic.patient_settles(handle, sequence=2)
    assert 2 <= len(clinic.records.assessments) <= 31
    state = await clinic.patient_state(handle)
    assert [due.kind for due in state.agenda if due.kind is DueKind.ASSESS] == [DueKind.ASSESS]


async def test_facts_that_come_during_an_assessment_are_assessed_after_it(
    clinic: Clinic,
) -> None:
    handle = await clinic.start_patient()
    await clinic.record(handle)
    await clinic.patient_settles(handle, sequence=2)
    assert len(set(clinic.records.assessments)) == 2


async def test_without_news_the_patient_is_assessed_every_week(clinic: Clinic) -> None:
    handle = await clinic.start_patient()
    await clinic.advance(handle, 6 * DAYS)
    assert len(clinic.records.assessments) == 1
    await clinic.advance(handle, 2 * DAYS)
    assert len(clinic.records.assessments) == 2


async def test_the_record_may_ask_for_an_earlier_assessment(clinic: Clinic) -> None:
    clinic.records.verdict = replace(
        clinic.records.verdict, next_due=wall_clock() + timedelta(hours=5)
    )
    handle = await clinic.start_patient()
    await clinic.advance(handle, timedelta(hours=6))
    assert len(clinic.records.assessments) == 2


async def test_what_cannot_be_done_after_an_assessment_holds_nothing_up(clinic: Clinic) -> None:
    def fail() -> None:
        raise ApplicationError("not now", non_retryable=True)

    clinic.records.before_looking_back = fail
    advise(clinic)
    handle = await clinic.start_patient()
    await clinic.record(handle)
    state = await clinic.patient_settles(handle, sequence=2)
    assert state.advice_id == "advice"
    assert len(clinic.records.assessments) == clinic.records.looked_back == 2


async def test_silence_reminds_after_a_week_and_tells_a_clinician_after_two(
    clinic: Clinic,
) -> None:
    handle = await clinic.start_patient()
    await clinic.advance(handle, 6 * DAYS)
    assert clinic.records.reminders == {}
    await clinic.advance(handle, 2 * DAYS)
    assert list(clinic.records.reminders.values()) == [ReminderReason.READINGS_DUE]
    assert clinic.records.tasks == {}
    await clinic.advance(handle, 7 * DAYS)
    assert list(clinic.records.tasks.values()) == [TaskKind.CHECK_SILENT_PATIENT]


async def test_a_reading_starts_the_wait_for_the_next_one_again(clinic: Clinic) -> None:
    handle = await clinic.start_patient()
    await clinic.advance(handle, 5 * DAYS)
    clinic.records.verdict = replace(
        clinic.records.verdict, last_reading_at=wall_clock() + 5 * DAYS
    )
    await clinic.record(handle)
    await clinic.patient_settles(handle, sequence=2)
    await clinic.advance(handle, 4 * DAYS)
    assert clinic.records.reminders == {}


async def test_accepted_advice_is_enacted_once_however_often_it_is_sent(clinic: Clinic) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    for update_id in ("u1", "u1"):
        result = await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, update_id)
        assert result.status is AnswerResultStatus.ENACTED
    again = await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u2")
    assert again.status is AnswerResultStatus.ENACTED
    assert list(clinic.records.enacted) == ["advice/advice"]
    assert clinic.records.advice_closed == {"advice": AdviceOutcome.ENACTED}
    assert (await clinic.patient_settles(handle, sequence=2)).advice_id is None


async def test_declined_advice_enacts_nothing_and_the_answer_stands(clinic: Clinic) -> None:
    advise(clinic)
    await clinic.start_patient()
    result = await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.DECLINE, "u1")
    assert result.status is AnswerResultStatus.DECLINED
    with pytest.raises(Rejected):
        await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u2")
    assert clinic.records.enact_calls == []


async def test_advice_that_the_guard_refuses_on_fresh_data_is_closed_as_refused(
    clinic: Clinic,
) -> None:
    advise(clinic)
    clinic.records.enactment = EnactOutcome(EnactKind.REFUSED, reasons=("low_pressure",))
    await clinic.start_patient()
    result = await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1")
    assert (result.status, result.reasons) == (AnswerResultStatus.REFUSED, ("low_pressure",))
    assert clinic.records.advice_closed == {"advice": AdviceOutcome.REFUSED}


async def test_unanswered_advice_is_reminded_of_then_expires_and_is_never_taken_as_yes(
    clinic: Clinic,
) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    await clinic.advance(handle, 4 * DAYS)
    assert ReminderReason.ADVICE_WAITS in clinic.records.reminders.values()
    assert clinic.records.advice_closed == {}
    await clinic.advance(handle, 4 * DAYS)
    assert clinic.records.advice_closed == {"advice": AdviceOutcome.EXPIRED}
    assert clinic.records.enact_calls == []
    with pytest.raises(NotOpen):
        await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "late")


async def test_a_halt_withdraws_advice_and_blocks_an_acceptance(clinic: Clinic) -> None:
    advise(clinic)
    await clinic.start_patient()
    assert (await clinic.loops.halt(PATIENT_ID, HaltedBy.PATIENT, "p", "h1")).halted
    with pytest.raises((Rejected, NotOpen)):
        await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1")
    await holds(lambda: clinic.records.advice_closed == {"advice": AdviceOutcome.WITHDRAWN})
    assert clinic.records.enact_calls == []


async def test_a_halt_between_the_answer_and_the_step_stops_the_step(clinic: Clinic) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    clinic.records.halted_by = HaltedBy.OPERATOR
    await handle.signal(Signal.HALT_CHANGED.value, msg.HaltChanged(PATIENT_ID))
    with pytest.raises((Rejected, NotOpen)):
        await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1")
    assert clinic.records.enacted == {}


async def test_only_a_clinician_lifts_what_a_clinician_set(clinic: Clinic) -> None:
    await clinic.start_patient()
    await clinic.loops.halt(PATIENT_ID, HaltedBy.CLINICIAN, "c", "h1")
    assert (await clinic.loops.resume(PATIENT_ID, HaltedBy.PATIENT, "p", "r1")).halted
    assert not (await clinic.loops.resume(PATIENT_ID, HaltedBy.CLINICIAN, "c", "r2")).halted


async def test_a_step_is_followed_by_its_symptom_check_labs_window_and_a_clinicians_look(
    clinic: Clinic,
) -> None:
    advise(clinic)
    begin = wall_clock()
    clinic.records.enactment = EnactOutcome(
        EnactKind.ENACTED,
        ("order-1",),
        follow_ups=(
            FollowUp("f1", FollowUpKind.CLINICIAN_LOOKS_AT_STEP, begin + 1 * DAYS),
            FollowUp("f2", FollowUpKind.SYMPTOM_CHECK, begin + 7 * DAYS),
            FollowUp("f3", FollowUpKind.LABS_DUE, begin + 14 * DAYS),
            FollowUp("f4", FollowUpKind.NEXT_WINDOW, begin + 28 * DAYS),
        ),
    )
    handle = await clinic.start_patient()
    await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1")
    await clinic.advance(handle, 2 * DAYS)
    assert clinic.records.tasks == {"step/f1": TaskKind.LOOK_AT_PATIENT_STEP}
    await clinic.advance(handle, 13 * DAYS)
    followed = {key: reason for key, reason in clinic.records.reminders.items() if "/f" in key}
    assert followed == {
        "symptom_check/f2": ReminderReason.SYMPTOM_CHECK,
        "labs_due/f3": ReminderReason.LABS_DUE,
    }
    await clinic.advance(handle, 14 * DAYS)
    assert clinic.records.reminders["next_window/f4"] is ReminderReason.NEXT_WINDOW


async def test_ask_opens_a_review_whose_end_comes_back_to_the_loop(clinic: Clinic) -> None:
    clinic.records.reviews["r"] = ReviewState("r", PATIENT_ID, ReviewStatus.OPEN, wall_clock())
    clinic.records.verdict = AssessOutcome("a", VerdictKind.ASK, review_id="r")
    handle = await clinic.start_patient()
    assert (await clinic.patient_state(handle)).open_review_ids == ("r",)
    clinic.records.decisions["d"] = Decision("d", "r", DecisionKind.ACCEPT, "c")
    due_at = wall_clock() + 7 * DAYS
    clinic.records.enactment = EnactOutcome(
        EnactKind.ENACTED,
        ("o",),
        follow_ups=(FollowUp("f", FollowUpKind.SYMPTOM_CHECK, due_at),),
    )
    await clinic.loops.decide("r", "d")

    async def back() -> bool:
        state = await clinic.patient_state(handle)
        kinds = {due.kind for due in state.agenda}
        return state.open_review_ids == () and DueKind.SYMPTOM_CHECK in kinds

    await until(back)


async def test_after_thirty_days_the_loop_goes_on_as_new_and_forgets_nothing(
    clinic: Clinic,
) -> None:
    handle = await clinic.start_patient()
    first_run = (await clinic.client.get_workflow_handle(handle.id).describe()).run_id
    keys_before = set(clinic.records.assessments)
    await clinic.advance(handle, 36 * DAYS)

    async def new_run() -> bool:
        run_id = (await clinic.client.get_workflow_handle(handle.id).describe()).run_id
        return run_id != first_run

    await until(new_run)
    current = clinic.client.get_workflow_handle(handle.id)
    state = await clinic.patient_settles(current, sequence=2)
    assert state.sequence > 1
    assert {due.kind for due in state.agenda} >= {DueKind.ASSESS, DueKind.SILENT}
    await clinic.record(current)
    await clinic.patient_settles(current, sequence=state.sequence + 1)
    assert len(clinic.records.assessments) > len(keys_before)


async def test_an_unknown_advice_is_not_open_and_the_loop_lives_on(clinic: Clinic) -> None:
    handle = await clinic.start_patient()
    with pytest.raises(NotOpen):
        await clinic.loops.answer_advice(PATIENT_ID, "no-such", Answer.ACCEPT, "u1")
    await clinic.record(handle)
    await clinic.patient_settles(handle, sequence=2)


async def test_without_consent_nobody_is_assessed_reminded_or_looked_for(clinic: Clinic) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    clinic.records.monitored = False
    changed = msg.MonitoringChanged(PATIENT_ID)
    await handle.signal(Signal.MONITORING_CHANGED.value, changed)
    await holds(lambda: clinic.records.advice_closed == {"advice": AdviceOutcome.WITHDRAWN})
    made = len(clinic.records.assessments)
    await clinic.record(handle)
    await clinic.advance(handle, 40 * DAYS)
    state = await clinic.patient_settles(clinic.client.get_workflow_handle(handle.id), sequence=1)
    assert (state.monitored, state.advice_id) == (False, None)
    assert len(clinic.records.assessments) == made
    assert (clinic.records.reminders, clinic.records.tasks) == ({}, {})


async def test_consent_given_again_takes_the_loop_up_and_the_wait_for_readings_anew(
    clinic: Clinic,
) -> None:
    handle = await clinic.start_patient()
    changed = msg.MonitoringChanged(PATIENT_ID)
    clinic.records.monitored = False
    await handle.signal(Signal.MONITORING_CHANGED.value, changed)
    await clinic.advance(handle, 20 * DAYS)
    clinic.records.monitored = True
    await handle.signal(Signal.MONITORING_CHANGED.value, changed)
    await holds(lambda: len(clinic.records.assessments) == 2)
    await clinic.advance(handle, 6 * DAYS)
    assert (clinic.records.reminders, clinic.records.tasks) == ({}, {})
    await clinic.advance(handle, 9 * DAYS)
    assert ReminderReason.READINGS_DUE in clinic.records.reminders.values()
    assert list(clinic.records.tasks.values()) == [TaskKind.CHECK_SILENT_PATIENT]


async def test_a_step_taken_before_is_looked_at_when_consent_is_gone(clinic: Clinic) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    look = FollowUp("f", FollowUpKind.CLINICIAN_LOOKS_AT_STEP, wall_clock() + DAYS)
    check = FollowUp("g", FollowUpKind.SYMPTOM_CHECK, wall_clock() + DAYS)
    clinic.records.enactment = EnactOutcome(EnactKind.ENACTED, ("o",), follow_ups=(look, check))
    await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1")
    clinic.records.monitored = False
    changed = msg.MonitoringChanged(PATIENT_ID)
    await handle.signal(Signal.MONITORING_CHANGED.value, changed)
    await clinic.advance(handle, 2 * DAYS)
    await holds(lambda: clinic.records.tasks)
    assert list(clinic.records.tasks.values()) == [TaskKind.LOOK_AT_PATIENT_STEP]
    assert clinic.records.reminders == {}


@pytest.mark.parametrize("answer", list(Answer))
async def test_an_answer_whose_request_was_lost_is_acted_on_from_the_record(
    clinic: Clinic, answer: Answer
) -> None:
    advise(clinic)
    clinic.records.answers["advice"] = answer
    handle = await clinic.start_patient()
    said = msg.AnswerRecorded(PATIENT_ID, "advice", answer)
    for _ in range(2):
        await handle.signal(Signal.ANSWER_RECORDED.value, said)
    expected = {Answer.ACCEPT: AdviceOutcome.ENACTED, Answer.DECLINE: AdviceOutcome.DECLINED}
    await holds(lambda: clinic.records.advice_closed == {"advice": expected[answer]})
    late = await clinic.loops.answer_advice(PATIENT_ID, "advice", answer, "u1")
    assert late.status.value == expected[answer].value
    assert len(clinic.records.enacted) == (1 if answer is Answer.ACCEPT else 0)


async def test_an_answer_that_came_first_is_not_acted_on_again_when_the_record_tells_of_it(
    clinic: Clinic,
) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    await clinic.loops.answer_advice(PATIENT_ID, "advice", Answer.ACCEPT, "u1")
    said = msg.AnswerRecorded(PATIENT_ID, "advice", Answer.ACCEPT)
    await handle.signal(Signal.ANSWER_RECORDED.value, said)
    await clinic.record(handle)
    await clinic.patient_settles(handle, sequence=2)
    assert clinic.records.enact_calls == ["advice/advice"]


async def test_an_answer_in_the_record_is_not_acted_on_while_halted(clinic: Clinic) -> None:
    advise(clinic)
    handle = await clinic.start_patient()
    await clinic.loops.halt(PATIENT_ID, HaltedBy.PATIENT, "p")
    said = msg.AnswerRecorded(PATIENT_ID, "advice", Answer.ACCEPT)
    await handle.signal(Signal.ANSWER_RECORDED.value, said)
    await clinic.patient_settles(handle, sequence=1)
    assert clinic.records.enact_calls == []
