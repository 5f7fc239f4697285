"""The client: each failure says what the caller should do."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from services.keyring import make_missing_secrets
from services.loop_results import Answer, HaltedBy
from services.settings import load
from tests.temporal import EmbeddedTemporal, free_port
from tests.workflows.clinic import PATIENT_ID, Clinic
from workflows import client as client_module
from workflows.client import LoopClient, LoopUnavailable, connect
from workflows.codec import PayloadKeys, data_converter
from workflows.messages import HaltState

pytestmark = pytest.mark.stack


async def test_without_temporal_the_answer_is_unavailable_and_not_an_error(
    tmp_path: Path,
) -> None:
    make_missing_secrets(tmp_path)
    settings = replace(load(), home=tmp_path, temporal_port=free_port())
    loops = await connect(settings)
    with pytest.raises(LoopUnavailable):
        await loops.halt(PATIENT_ID, HaltedBy.PATIENT, "p", "h1")


async def test_without_a_worker_the_answer_is_unavailable_and_the_word_is_kept(
    temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_WITHIN", timedelta(milliseconds=300))
    with pytest.raises(LoopUnavailable):
        await LoopClient(temporal).answer_advice(PATIENT_ID, "a", Answer.ACCEPT, "u1")


async def test_a_loop_that_does_not_run_yet_is_started_by_a_persons_word(clinic: Clinic) -> None:
    state = await clinic.loops.halt("somebody-new", HaltedBy.PATIENT, "p", "h1")
    assert state == HaltState(halted=True)


async def test_the_same_word_from_two_processes_is_one_update(clinic: Clinic) -> None:
    other = LoopClient(clinic.client)
    first, second = await asyncio.gather(
        clinic.loops.halt(PATIENT_ID, HaltedBy.PATIENT, "p", "same"),
        other.halt(PATIENT_ID, HaltedBy.PATIENT, "p", "same"),
    )
    assert first == second
    history = await clinic.client.get_workflow_handle(f"patient/{PATIENT_ID}").fetch_history()
    accepted = [
        event
        for event in history.events
        if event.HasField("workflow_execution_update_accepted_event_attributes")
    ]
    assert len(accepted) == 1


async def test_two_clients_of_other_keys_cannot_read_each_other(
    temporal_server: EmbeddedTemporal, temporal: Client
) -> None:
    foreign = data_converter(PayloadKeys("other", {"other": bytes([9] * 32)}))
    intruder = await Client.connect(
        temporal_server.address, namespace=temporal.namespace, data_converter=foreign
    )
    handle = await temporal.start_workflow("Any", "secret", id="w", task_queue="nobody")
    history = await intruder.get_workflow_handle(handle.id).fetch_history()
    payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
    with pytest.raises(ValueError, match="key"):
        await foreign.decode(payloads)
