"""Doses, symptoms, weights and windows: batches in, one answer an item, nothing by halves."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from fastapi import APIRouter
from starlette.responses import Response

from patient_gateway import crisis
from patient_gateway.authenticate import Authenticated
from patient_gateway.call import Call, Done, as_json
from patient_gateway.items import Batch, ItemAnswer, read_batch
from patient_gateway.openapi import batch_of
from patient_gateway.schemas import DoseItem, SymptomItem, WeightItem, WindowItem
from patient_gateway.wire import Wire
from services.metrics import UPLOADED_ITEMS
from services.problems import Problem, ProblemCode
from services.signals.packing import pack
from services.store import doses, symptoms, weights, windows
from services.store.entries import NewWindow
from services.store.rows import ItemResult, NewDose, NewSymptom, NewWeight
from services.store.transaction import Transaction

router = APIRouter(tags=["uploads"])

ItemT = TypeVar("ItemT", bound=Wire)


@router.post("/v1/doses", operation_id="uploadDoses", openapi_extra=batch_of(DoseItem))
async def upload_doses(call: Authenticated) -> Response:
    """Record doses taken or missed."""

    async def store(tx: Transaction, body: object) -> Done:
        batch = read_batch(body, DoseItem, now=call.now, time_of=lambda item: item.taken_at)
        new = [
            NewDose(
                item.client_id,
                item.drug,
                item.intake_dose_ug,
                item.taken,
                item.taken_at,
            )
            for item in batch.accepted.values()
        ]
        results = await doses.record(tx, call.own_patient_id, new, now=call.now)
        return answer_batch(call, "doses", batch, results)

    return await call.write(as_json, store)


@router.post("/v1/symptoms", operation_id="uploadSymptoms", openapi_extra=batch_of(SymptomItem))
async def upload_symptoms(call: Authenticated) -> Response:
    """Record symptoms. An emergency is answered at once with what to do."""

    async def store(tx: Transaction, body: object) -> Done:
        batch = read_batch(body, SymptomItem, now=call.now, time_of=lambda item: item.reported_at)
        new = [
            NewSymptom(item.client_id, item.symptom, item.reported_at, item.open)
            for item in batch.accepted.values()
        ]
        results = await symptoms.report(tx, call.own_patient_id, new, now=call.now)
        stored = [
            item for item, result in zip(new, results, strict=True) if result.status == "stored"
        ]
        alarm = await crisis.raise_for_symptoms(tx, call.own_patient_id, stored, now=call.now)
        return answer_batch(call, "symptoms", batch, results, alarm=alarm)

    return await call.write(as_json, store)


@router.post("/v1/weights", operation_id="uploadWeights", openapi_extra=batch_of(WeightItem))
async def upload_weights(call: Authenticated) -> Response:
    """Record body weight."""

    async def store(tx: Transaction, body: object) -> Done:
        batch = read_batch(body, WeightItem, now=call.now, time_of=lambda item: item.taken_at)
        new = [
            NewWeight(item.client_id, item.grams, item.taken_at) for item in batch.accepted.values()
        ]
        results = await weights.record(tx, call.own_patient_id, new, now=call.now)
        return answer_batch(call, "weights", batch, results)

    return await call.write(as_json, store)


@router.post("/v1/windows", operation_id="uploadWindows", openapi_extra=batch_of(WindowItem))
async def upload_windows(call: Authenticated) -> Response:
    """Take in stretches of PPG, ECG or accelerometer; gzip bodies are welcome."""

    async def prepare(body: bytes) -> tuple[Batch[WindowItem], list[NewWindow]]:
        parsed = await as_json(body)
        # Megabytes of samples are checked and packed beside the event loop, not on it.
        return await asyncio.to_thread(_read_windows, parsed, call.now)

    async def store(tx: Transaction, given: tuple[Batch[WindowItem], list[NewWindow]]) -> Done:
        batch, new = given
        results = await windows.accept(tx, call.own_patient_id, new, now=call.now)
        return answer_batch(call, "windows", batch, results)

    return await call.write(prepare, store)


def answer_batch(
    call: Call,
    kind: str,
    batch: Batch[ItemT],
    results: Sequence[ItemResult],
    **more: Callable[[str], object] | None,
) -> Done:
    """Return the answer to a batch: every item in its place, and what else the patient must know.

    `more` are parts of the answer written in the caller's language; None becomes null.
    """
    answers = batch.answers([answer_item(result) for result in results])
    counts = {
        status: sum(item.status == status for item in answers)
        for status in ("stored", "duplicate", "refused")
    }
    for status, count in counts.items():
        UPLOADED_ITEMS.labels(kind, status).inc(count)
    content: dict[str, object] = {"items": [item.document(call.language) for item in answers]}
    for name, write in more.items():
        content[name] = None if write is None else write(call.language)
    # The store notes what it stored; a batch of which nothing was new is noted here.
    return Done(content, noted=counts["stored"] > 0, details=tuple(sorted(counts.items())))


def answer_item(result: ItemResult) -> ItemAnswer:
    """Return the store's result as the API's; a conflict is a refusal with its own problem."""
    if result.status == "conflict":
        problem = Problem(ProblemCode.CONFLICTING_ITEM)
        return ItemAnswer(result.client_id, "refused", problem=problem)
    return ItemAnswer(result.client_id, result.status, result.item_id)


def _read_windows(parsed: object, now: datetime) -> tuple[Batch[WindowItem], list[NewWindow]]:
    batch = read_batch(parsed, WindowItem, now=now, time_of=lambda item: item.started_at)
    new = [
        NewWindow(
            client_id=item.client_id,
            signal=item.kind,
            rate_hz=item.rate_hz,
            unit=item.unit,
            started_at=item.started_at,
            clock_id=item.clock_id,
            sample_count=len(item.samples),
            samples=pack(item.samples, baseline_kept=item.baseline_kept),
        )
        for item in batch.accepted.values()
    ]
    return batch, new
