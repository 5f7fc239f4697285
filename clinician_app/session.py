"""Who is looking at a page: found by the browser's cookie at every run, never by session state."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

import httpx
import streamlit as st

from clinician_app.browser_sessions import COOKIE, SESSIONS, BrowserSession
from clinician_app.http_client import ClinicianClient, SignedOut, connections
from services import clock, settings

TOKEN_LIFETIME = timedelta(minutes=15)
# A script runs at every click; a token younger than this is not worth a round trip.
RENEW_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The clinician at this browser with a client that carries their token."""

    client: ClinicianClient
    clinician_id: str
    display_name: str
    role: str


def require() -> SignedIn:
    """Return who is signed in; show the way to the sign-in page and stop when nobody is.

    A script runs because a person did something, so it also renews the token.
    """
    cookie, now = st.context.cookies.get(COOKIE), clock.now()
    session = SESSIONS.find(cookie, now)
    if cookie is None or session is None:
        stop_signed_out()
    client = ClinicianClient(_connections(), session.token)
    if session.expires_at - now < TOKEN_LIFETIME - RENEW_AFTER:
        client = _renew(cookie, session, client, now)
    else:
        SESSIONS.use(cookie, now)
    return SignedIn(client, session.clinician_id, session.display_name, session.role)


def stop_signed_out() -> NoReturn:
    """Say that the session ended, and stop the script."""
    st.html(
        '<div class="gate"><h2>You are signed out</h2>'
        "<p>A session ends after 15 minutes without use, or when you sign out.</p>"
        '<a class="primary" href="/sign-in" target="_self">Sign in</a></div>'
    )
    st.stop()


def _renew(
    cookie: str, session: BrowserSession, client: ClinicianClient, now: datetime
) -> ClinicianClient:
    try:
        granted = client.post("/v1/session/refresh")
    except SignedOut:
        SESSIONS.close(cookie)
        stop_signed_out()
    expires_at = datetime.fromisoformat(granted["expires_at"])
    SESSIONS.use(cookie, now, renewed=(granted["access_token"], expires_at))
    return ClinicianClient(_connections(), granted["access_token"])


@st.cache_resource
def _connections() -> httpx.Client:
    return connections(settings.load().clinician_api_url)
