"""Answers: JSON, and problems in the reader's language."""

import logging
import traceback
from collections.abc import Mapping
from pathlib import Path

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.problems import (
    MEDIA_TYPE,
    FieldError,
    Problem,
    ProblemCode,
    ProblemRaised,
    json_pointer,
    language_of,
)

logger = logging.getLogger("clinaiops.gateway")

_FROM_STATUS = {
    404: ProblemCode.NOT_FOUND,
    405: ProblemCode.METHOD_NOT_ALLOWED,
    413: ProblemCode.TOO_LARGE,
}


def json_answer(
    content: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `content` as application/json."""
    return Response(orjson.dumps(content), status, headers, "application/json")


def problem_answer(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a problem document in the language that the request prefers."""
    language = language_of(request.headers.get("accept-language"))
    answer = Response(orjson.dumps(problem.document(language)), problem.status, headers, MEDIA_TYPE)
    answer.headers["Content-Language"] = language
    return answer


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a problem that a handler raised."""
    assert isinstance(error, ProblemRaised)
    return problem_answer(request, error.problem, error.headers)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    code = _FROM_STATUS.get(error.status_code, ProblemCode.INVALID_INPUT)
    return problem_answer(request, Problem(code), error.headers)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Answer a query parameter that is missing or wrong, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    errors = tuple(
        FieldError(json_pointer([str(part) for part in detail["loc"]]), detail["msg"])
        for detail in error.errors()
    )
    return problem_answer(request, Problem(ProblemCode.INVALID_INPUT, errors=errors))


def log_defect(error: Exception, request_id: str) -> None:
    """Log what kind of defect and where. Its message is left out: it may hold what was sent."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    logger.error(
        "unexpected_error",
        extra={
            "error_type": type(error).__name__,
            "where": f"{Path(frame.filename).name}:{frame.lineno}",
            "request_id": request_id,
        },
    )
