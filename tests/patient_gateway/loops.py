"""The loops' place at the gateway, standing on the record alone: no server, no timers.

It answers as the patient's loop does, from what the record holds.
"""

from collections.abc import Callable
from datetime import datetime

from services.loop_results import AdviceOutcome, Answer, AnswerStatus
from services.store import Store, advice
from services.store.roles import Acting
from workflows.client import LoopUnavailable, NotOpen, Rejected
from workflows.messages import AnswerResult, AnswerResultStatus


class RecordLoops:
    """Set `away` for loops that cannot be reached. Accepting ends refused: nobody enacts here."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self.store = store
        self._now = now
        self.away = False
        self.given: list[str] = []

    async def answer_advice(
        self, patient_id: str, advice_id: str, answer: Answer, update_id: str
    ) -> AnswerResult:
        if self.away:
            raise LoopUnavailable("answer")
        self.given.append(update_id)
        async with self.store.transaction(Acting("worker", "loops", patient_id)) as tx:
            status = await advice.record_answer(tx, advice_id, answer=answer, now=self._now())
            if status is AnswerStatus.NOT_OPEN:
                raise NotOpen(advice_id)
            if status is AnswerStatus.CHANGED:
                raise Rejected("answered otherwise before")
            declined = answer is Answer.DECLINE
            outcome = AdviceOutcome.DECLINED if declined else AdviceOutcome.REFUSED
            await advice.close(tx, advice_id, outcome=outcome, now=self._now())
        return AnswerResult(AnswerResultStatus.DECLINED if declined else AnswerResultStatus.REFUSED)
