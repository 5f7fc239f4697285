"""Batches: each item is accepted or refused by itself, and every answer stands at its place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

from pydantic import ValidationError

from patient_gateway.wire import Wire
from services.problems import FieldError, Problem, ProblemCode, ProblemRaised, json_pointer

MAX_ITEMS = 1000
FUTURE_TOLERANCE = timedelta(minutes=10)
"""Phones run ahead by minutes; beyond that the clock is wrong and the order of things with it."""

ItemT = TypeVar("ItemT", bound=Wire)
ItemStatus = Literal["stored", "duplicate", "refused"]
# Our own validators name their problem; two of pydantic's have one as clear.
_CODES = {code.value: code for code in ProblemCode} | {
    "finite_number": ProblemCode.NOT_A_NUMBER,
    "literal_error": ProblemCode.UNKNOWN_CODE,
}


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """What became of one item. `id` is the record's own id; `problem` is set when refused."""

    client_id: str | None
    status: ItemStatus
    id: str | None = None
    problem: Problem | None = None

    def document(self, language: str) -> dict[str, object]:
        """Return the item as the API writes it."""
        document: dict[str, object] = {"client_id": self.client_id, "status": self.status}
        if self.id is not None:
            document["id"] = self.id
        if self.problem is not None:
            document["problem"] = self.problem.document(language)
        return document


@dataclass(frozen=True, slots=True)
class Batch(Generic[ItemT]):
    """A read upload: `accepted` by their place, `refused` answers by theirs."""

    accepted: Mapping[int, ItemT]
    refused: Mapping[int, ItemAnswer]

    def answers(self, stored: Sequence[ItemAnswer]) -> tuple[ItemAnswer, ...]:
        """Return all answers in the order of the upload; `stored` answer `accepted` in order."""
        placed = dict(self.refused) | dict(zip(self.accepted, stored, strict=True))
        return tuple(placed[place] for place in sorted(placed))


def read_batch(
    body: object,
    model: type[ItemT],
    *,
    now: datetime,
    time_of: Callable[[ItemT], datetime],
) -> Batch[ItemT]:
    """Validate every item of {"items": [...]} by itself.

    Raises:
        ProblemRaised: there is no list of 1 to 1000 items, so nothing can be answered item-wise.
    """
    accepted: dict[int, ItemT] = {}
    refused: dict[int, ItemAnswer] = {}
    for place, raw in enumerate(_items_of(body)):
        item = _read_item(raw, model, now=now, time_of=time_of)
        if isinstance(item, Problem):
            refused[place] = ItemAnswer(_client_id(raw), "refused", problem=item)
        else:
            accepted[place] = item
    return Batch(accepted, refused)


def problem_of(error: ValidationError) -> Problem:
    """Return the problem of a failed validation: the first named code, and every wrong field."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    named = [_CODES[detail["type"]] for detail in details if detail["type"] in _CODES]
    code = named[0] if named else ProblemCode.INVALID_INPUT
    fields = tuple(
        FieldError(json_pointer(detail["loc"]), detail["msg"]) for detail in details[:20]
    )
    return Problem(code, errors=fields)


def read_one(body: object, model: type[ItemT]) -> ItemT:
    """Validate a body that is one object. Raises: ProblemRaised."""
    try:
        return model.model_validate(body)
    except ValidationError as err:
        problem = problem_of(err)
        raise ProblemRaised(problem.code, errors=problem.errors) from err


def _items_of(body: object) -> list[object]:
    if not isinstance(body, dict) or set(body) != {"items"} or not isinstance(body["items"], list):
        error = FieldError("/items", "an object with one field, items, that is a list")
        raise ProblemRaised(ProblemCode.INVALID_INPUT, errors=(error,))
    items: list[object] = body["items"]
    if not 1 <= len(items) <= MAX_ITEMS:
        error = FieldError("/items", f"1 to {MAX_ITEMS} items")
        raise ProblemRaised(ProblemCode.INVALID_INPUT, errors=(error,))
    return items


def _read_item(
    raw: object, model: type[ItemT], *, now: datetime, time_of: Callable[[ItemT], datetime]
) -> ItemT | Problem:
    try:
        item = model.model_validate(raw)
    except ValidationError as err:
        return problem_of(err)
    if time_of(item) > now + FUTURE_TOLERANCE:
        return Problem(ProblemCode.IN_THE_FUTURE)
    return item


def _client_id(raw: object) -> str | None:
    """The id to answer with, even when the item is refused; nothing that is not short text."""
    client_id = raw.get("client_id") if isinstance(raw, dict) else None
    return client_id if isinstance(client_id, str) and len(client_id) <= 64 else None
