"""Refusals: every error of the application becomes a problem document in the reader's language."""

import logging
import re

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinician_app.api.caller import caller_of, note_refusal
from services.ids import new_id
from services.problems import (
    MEDIA_TYPE,
    FieldError,
    Problem,
    ProblemCode,
    ProblemRaised,
    json_pointer,
    language_of,
)
from services.store.errors import Changed, NotInRecord, NotOpen, is_outage

logger = logging.getLogger("clinaiops.clinician")

# A killed database is back in a second or two.
RETRY_AFTER_S = 2

_FROM_STATUS = {
    404: ProblemCode.NOT_FOUND,
    405: ProblemCode.METHOD_NOT_ALLOWED,
    413: ProblemCode.TOO_LARGE,
}
_NAMED_IN_PATH = re.compile(r"\{([a-z]+)_id\}")
_FROM_STORE: dict[type[Exception], ProblemCode] = {
    NotInRecord: ProblemCode.NOT_FOUND,
    Changed: ProblemCode.VERSION_CHANGED,
    NotOpen: ProblemCode.NO_LONGER_OPEN,
}


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(ProblemRaised, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_unreadable)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_defect)
    for kind in _FROM_STORE:
        app.add_exception_handler(kind, _on_store_refusal)


def _answer(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    language = language_of(request.headers.get("accept-language"))
    body = orjson.dumps(problem.document(language))
    answer = Response(body, problem.status, headers, MEDIA_TYPE)
    answer.headers["Content-Language"] = language
    return answer


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemRaised)
    return _answer(request, error.problem, error.headers)


async def _on_store_refusal(request: Request, error: Exception) -> Response:
    """Answer; what is not there for this clinician may be there for another: note who asked."""
    if isinstance(error, NotInRecord):
        template: str = request.scope["route"].path
        named = _NAMED_IN_PATH.search(template)
        kind = "route" if named is None else named[1]
        about = None if named is None else request.path_params.get(f"{kind}_id")
        await note_refusal(
            caller_of(request), "not_in_record", kind.capitalize(), about or new_id()
        )
    return _answer(request, Problem(_FROM_STORE[type(error)]))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _FROM_STATUS.get(error.status_code, ProblemCode.INVALID_INPUT)
    return _answer(request, Problem(code), dict(error.headers or {}))


async def _on_unreadable(request: Request, error: Exception) -> Response:
    """Name the fields and what is expected; never echo what was sent."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return _answer(request, Problem(ProblemCode.MALFORMED_JSON))
    fields = tuple(FieldError(json_pointer(item["loc"][1:]), item["msg"]) for item in found)
    return _answer(request, Problem(ProblemCode.INVALID_INPUT, errors=fields))


async def _on_defect(request: Request, error: Exception) -> Response:
    """The edge of the process: answer 500, log what kind of defect and never its values.

    A database that went away is no defect: the same request may be sent again.
    """
    if is_outage(error):
        logger.warning("record_unavailable", extra={"error_type": type(error).__name__})
        again = {"Retry-After": str(RETRY_AFTER_S)}
        return _answer(request, Problem(ProblemCode.TEMPORARILY_UNAVAILABLE), again)
    logger.error("unexpected_error", extra={"error_type": type(error).__name__})
    return _answer(request, Problem(ProblemCode.INTERNAL_ERROR))
