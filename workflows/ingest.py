"""Ingest: one workflow for the whole clinic's waiting windows, `ingest/windows`.

It runs only while windows wait: a signal starts it, it takes batch after batch, and ends when none
is left. One batch at a time is the back-pressure: uploads are rows that wait, never threads.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.outbox_messages import Workflow
    from workflows import activity_requests as ask
    from workflows import messages as msg
    from workflows import policy
    from workflows.activities import IngestActivities
    from workflows.calls import call, run_is_long, wait_until


@workflow.defn(name=Workflow.INGEST.value)
class IngestLoop:
    """A signal that comes while it ends is not lost: the server has the end done over."""

    @workflow.init
    def __init__(self, start: msg.IngestStart) -> None:
        self._began = workflow.now()
        self._waiting = True

    @workflow.run
    async def run(self, start: msg.IngestStart) -> None:
        """Process batches until none waits."""
        while self._waiting:
            self._waiting = False
            outcome = await call(
                IngestActivities.process_windows,
                ask.ProcessWindows(policy.WINDOWS_A_BATCH),
                lane=policy.INGEST,
            )
            if outcome.held_elsewhere:
                # A killed worker held them: they are offered again when its lease ends.
                lease_ends = workflow.now() + policy.WINDOW_LEASE
                await wait_until(lambda: self._waiting, lease_ends)
                self._waiting = True
            self._waiting = self._waiting or outcome.more_pending
            if self._waiting and run_is_long(self._began):
                workflow.continue_as_new(msg.IngestStart())

    @workflow.signal
    def windows_waiting(self, message: msg.WindowsWaiting) -> None:
        """Windows were stored."""
        self._waiting = True
