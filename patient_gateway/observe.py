"""Around every request: an id, a line in the log, two metrics, and the security headers.

The log names the route's template and never its path: a path holds ids.
"""

import logging
import re
import time

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patient_gateway.answers import log_defect, problem_answer
from services.ids import new_id
from services.metrics import HTTP_LATENCY, HTTP_REQUESTS
from services.problems import Problem, ProblemCode

access_logger = logging.getLogger("clinaiops.gateway.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_API_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Observe:
    """ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.monotonic()
        status: int | None = None

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as err:  # noqa: BLE001 - the edge: a traceback's message may hold values
            log_defect(err, request_id)
            if status is None:
                problem = Problem(ProblemCode.INTERNAL_ERROR)
                await problem_answer(Request(scope), problem)(scope, receive, send_noted)
        finally:
            _note(scope, status or 500, time.monotonic() - started, request_id)


def route_template(scope: Scope) -> str:
    """Return the matched route's template, such as /v1/advice/{advice_id}/answer."""
    return getattr(scope.get("route"), "path", "none")


def _note(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    route = route_template(scope)
    HTTP_REQUESTS.labels("gateway", route, str(status)).inc()
    HTTP_LATENCY.labels("gateway", route).observe(seconds)
    access_logger.info(
        "request",
        extra={
            "method": scope["method"] if route != "none" else "-",
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "request_id": request_id,
        },
    )


def _request_id(scope: Scope) -> str:
    """The caller's X-Request-Id when it looks like one, so that a phone's trace can be followed."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            return text if _REQUEST_ID.fullmatch(text) else new_id()
    return new_id()


def _add_headers(headers: MutableHeaders, request_id: str) -> None:
    headers["X-Request-Id"] = request_id
    for name, value in _HEADERS.items():
        headers[name] = value
    for name, value in _API_HEADERS.items():
        headers.setdefault(name, value)
