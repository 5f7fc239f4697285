"""The sign-in page and its routes: a plain form, so that password managers and Tab order work."""

import html
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from clinician_app.browser_sessions import COOKIE, BrowserSession, BrowserSessions
from clinician_app.http_client import ApiDown, ClinicianClient, Refused, SignedOut

Connect = Callable[[str | None], ClinicianClient]
FORM_LIMIT_BYTES = 4096

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in · ClinAIOps</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0; background: #F3F6F9; color: #17212B; font: 15px/1.5 "Source Sans Pro",
  "Source Sans 3", system-ui, sans-serif; display: grid; place-items: center; min-height: 100vh; }}
main {{ width: 340px; background: #fff; border: 1px solid #D5DDE5; border-radius: 6px;
  padding: 28px 32px 32px; }}
h1 {{ font-size: 20px; margin: 0 0 2px; }}
p {{ margin: 0 0 18px; color: #5A6B7B; }}
label {{ display: block; margin-top: 12px; font-weight: 600; font-size: 14px; }}
input {{ box-sizing: border-box; width: 100%; height: 44px; margin-top: 4px; padding: 0 12px;
  font: inherit; border: 1px solid #D5DDE5; border-radius: 6px; background: #F3F6F9; }}
input:focus {{ outline: 2px solid #0B5C8A; outline-offset: 1px; }}
button {{ width: 100%; height: 44px; margin-top: 22px; font: inherit; font-weight: 600; color: #fff;
  background: #0B5C8A; border: 0; border-radius: 6px; cursor: pointer; }}
.alert {{ color: #A4161A; background: #FBEDED; border-radius: 6px; padding: 8px 12px;
  margin: 0 0 6px; }}
.note {{ margin: 18px 0 0; font-size: 13px; }}
</style></head><body><main>
<h1>ClinAIOps</h1><p>Blood pressure between visits</p>
{alert}
<form method="post" action="/sign-in">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" required autofocus maxlength="200">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="200">
<button type="submit">Sign in</button>
</form>
<p class="note">A session ends after 15 minutes without use. Every access is recorded.</p>
</main></body></html>"""


def routes(sessions: BrowserSessions, connect: Connect, now: Callable[[], datetime]) -> list[Route]:
    """Return GET and POST /sign-in and GET /sign-out."""

    async def show(_request: Request) -> Response:
        return _page("")

    async def submit(request: Request) -> Response:
        if not _same_origin(request):
            return _page("Sign in from this page.", 403)
        form = await _form(request)
        if form is None:
            return _page("Enter your user name and password.", 400)
        return await run_in_threadpool(_sign_in, sessions, connect, form, request, now())

    async def leave(request: Request) -> Response:
        session = sessions.close(request.cookies.get(COOKIE))
        if session is not None:
            await run_in_threadpool(_revoke, connect(session.token))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", submit, methods=["POST"]),
        Route("/sign-out", leave, methods=["GET"]),
    ]


def _sign_in(
    sessions: BrowserSessions,
    connect: Connect,
    form: dict[str, str],
    request: Request,
    now: datetime,
) -> Response:
    try:
        granted = connect(None).post("/v1/session", form)
    except ApiDown:
        return _page("The clinician service does not answer. Try again in a moment.", 503)
    except Refused as refusal:
        return _page(refusal.detail, refusal.status)
    # A new id at each sign-in: one planted in the browser beforehand is worth nothing.
    sessions.close(request.cookies.get(COOKIE))
    cookie = sessions.open(session_from(granted, now))
    response = RedirectResponse("/", 303)
    response.set_cookie(
        COOKIE,
        cookie,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def session_from(granted: dict[str, Any], now: datetime) -> BrowserSession:
    """Return the browser session for what the API granted."""
    return BrowserSession(
        token=granted["access_token"],
        expires_at=datetime.fromisoformat(granted["expires_at"]),
        clinician_id=granted["clinician_id"],
        display_name=granted["display_name"],
        role=granted["role"],
        used_at=now,
    )


def _revoke(client: ClinicianClient) -> None:
    try:
        client.delete("/v1/session")
    except (ApiDown, SignedOut, Refused):
        # The token dies of idleness within fifteen minutes; the browser has lost it already.
        return


async def _form(request: Request) -> dict[str, str] | None:
    """Return user name and password of a small urlencoded form; None when it is not that."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT_BYTES:
            return None
    fields = parse_qs(body.decode("utf-8", "replace"), strict_parsing=False)
    if not fields.get("username") or not fields.get("password"):
        return None
    return {"username": fields["username"][0], "password": fields["password"][0]}


def _same_origin(request: Request) -> bool:
    """Browsers name the origin on every POST; another one would sign a victim in as someone."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def _page(alert: str, status: int = 200) -> HTMLResponse:
    shown = f'<p class="alert" role="alert">{html.escape(alert)}</p>' if alert else ""
    return HTMLResponse(_PAGE.format(alert=shown), status)
