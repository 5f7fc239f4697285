"""Requests that are carried out once: the same key again gets the same answer."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Header
from pydantic import BaseModel

from clinician_app.api.caller import Caller
from services.problems import ProblemCode, ProblemRaised
from services.store import Transaction, idempotency
from services.store.entries import Begun, InFlight, OtherBody, Replayed

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=8, max_length=128)
]
T = TypeVar("T", bound=BaseModel)
# Re-authentication and the stopwatch differ between two clicks that mean the same.
_NOT_CONTENT = {"password", "dwell_s"}


async def once(
    tx: Transaction,
    caller: Caller,
    key: str | None,
    asked: tuple[str, BaseModel],
    answer_type: type[T],
    carry_out: Callable[[], Awaitable[T]],
) -> T:
    """Return what `carry_out` gives, or gave before to the same key. `asked`: route and body.

    Raises:
        ProblemRaised: no key; the same request is being carried out now; another body.
    """
    if key is None:
        raise ProblemRaised(ProblemCode.IDEMPOTENCY_KEY_MISSING)
    if tx.acting.patient_id is None:
        await tx.bind_system(now=caller.now)
    route, body = asked
    scope = f"clinician/{caller.clinician_id}/{route}"
    digest = body_sha256(body.model_dump(mode="json"))
    found = await idempotency.begin(tx, scope, key, request_sha256=digest, now=caller.now)
    match found:
        case Replayed():
            return answer_type.model_validate_json(found.body)
        case InFlight():
            raise ProblemRaised(ProblemCode.IDEMPOTENCY_KEY_IN_FLIGHT)
        case OtherBody():
            raise ProblemRaised(ProblemCode.IDEMPOTENCY_KEY_REUSED)
        case Begun():
            answer = await carry_out()
    kept = answer.model_dump_json().encode()
    await idempotency.finish(tx, scope, key, status_code=200, body=kept)
    return answer


def body_sha256(body: Mapping[str, Any]) -> str:
    """Return the digest of what a request asks for, without password and stopwatch."""
    return hashlib.sha256(json.dumps(_content(body), sort_keys=True).encode()).hexdigest()


def _content(value: Any) -> Any:
    """Leave out what is no content at any depth: a second signer's password lies deeper."""
    if isinstance(value, Mapping):
        return {key: _content(item) for key, item in value.items() if key not in _NOT_CONTENT}
    return value
