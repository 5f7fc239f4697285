"""The dashboard's server: Streamlit's own ASGI application behind sign-in and safe headers.

`python -m clinician_app dashboard` runs it. Streamlit alone would answer `/_stcore/metrics` and
its agent API without login and set no frame or content policy; this wall is in front of it.
"""

import hashlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from clinician_app import sign_in
from clinician_app.browser_sessions import COOKIE, SESSIONS
from clinician_app.http_client import ClinicianClient, connections
from services import clock
from services.settings import Settings

SCRIPT = Path(__file__).parent / "app.py"

_CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/upload_file", "/auth/")
_OPEN = ("/sign-in", "/sign-out", "/_stcore/health")

# Streamlit injects styles, and Vega compiles its expressions with Function: hence the two
# "unsafe" words. Nothing may come from or go to another host, and nobody may frame the pages.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' {inline}; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" a browser sends `Origin: null`, and the sign-in form would be refused.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Wall:
    """Signed-in browsers only; closed paths stay closed; every answer carries the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._answer(scope)(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> ASGIApp:
        request = Request(scope)
        path = scope["path"]
        if path.startswith(_CLOSED):
            return PlainTextResponse("Not found", 404)
        if path.startswith(_OPEN) or not _wants_page(request):
            return self._app
        if SESSIONS.find(request.cookies.get(COOKIE), clock.now()) is None:
            return RedirectResponse("/sign-in", 303)
        return self._app


def create_dashboard(settings: Settings) -> App:
    """Return the ASGI application."""
    shared = connections(settings.clinician_api_url)

    def connect(token: str | None) -> ClinicianClient:
        return ClinicianClient(shared, token)

    return App(
        SCRIPT,
        routes=sign_in.routes(SESSIONS, connect, clock.now),
        middleware=[Middleware(Wall)],
    )


def _wants_page(request: Request) -> bool:
    """Pages are asked for as HTML; scripts and styles of the shell hold nothing of anyone."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


@cache
def content_policy() -> str:
    """Return the policy, which names the shell's own inline scripts by their hashes."""
    shell = Path(streamlit.__file__).parent / "static" / "index.html"
    digests = [
        b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(shell.read_text())
    ]
    return _POLICY.format(inline=" ".join(f"'sha256-{digest}'" for digest in digests))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", content_policy())
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def run(settings: Settings) -> None:
    """Serve the dashboard until it is told to stop.

    Streamlit's options stand in `.streamlit/config.toml` beside the script; what differs from stack
    to stack is given here. Its cookie secret stays the random one of each start: identity does not
    rest on Streamlit's cookies.
    """
    create_dashboard(settings).run(
        config={
            "server.port": settings.dashboard_port,
            "server.address": settings.bind_host,
            "server.headless": True,
        }
    )
