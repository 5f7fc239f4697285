"""Who is signed in at which browser, kept in the dashboard's own process.

A browser holds nothing but a random 256-bit id in an HttpOnly, SameSite=Strict cookie. The
clinician's API token stays here, so that neither scripts in a page nor a stolen URL can carry it,
and a refresh of the page, which loses Streamlit's session state, does not sign anyone out.
Restarting the dashboard signs everyone out: the map is memory on purpose.
"""

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.ids import new_secret

COOKIE = "clinaiops_session"
IDLE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One signed-in browser: the clinician's token and what the API said of it."""

    token: str
    expires_at: datetime
    clinician_id: str
    display_name: str
    role: str
    used_at: datetime


class BrowserSessions:
    """The map from cookie to session; only digests of cookies are kept."""

    def __init__(self) -> None:
        self._sessions: dict[str, BrowserSession] = {}
        self._lock = threading.Lock()

    def open(self, session: BrowserSession) -> str:
        """Keep a session and return the cookie value for it."""
        cookie = new_secret().hex()
        with self._lock:
            self._drop_idle(session.used_at)
            self._sessions[_digest(cookie)] = session
        return cookie

    def find(self, cookie: str | None, now: datetime) -> BrowserSession | None:
        """Return the session of a cookie; None when there is none or it was idle too long."""
        if cookie is None:
            return None
        with self._lock:
            self._drop_idle(now)
            return self._sessions.get(_digest(cookie))

    def use(self, cookie: str, now: datetime, renewed: tuple[str, datetime] | None = None) -> None:
        """Note that the clinician acted now, with a renewed token where the API gave one."""
        with self._lock:
            session = self._sessions.get(_digest(cookie))
            if session is None:
                return
            if renewed is not None:
                session = replace(session, token=renewed[0], expires_at=renewed[1])
            self._sessions[_digest(cookie)] = replace(session, used_at=now)

    def close(self, cookie: str | None) -> BrowserSession | None:
        """Forget a session and return it, so that its token can be revoked."""
        if cookie is None:
            return None
        with self._lock:
            return self._sessions.pop(_digest(cookie), None)

    def _drop_idle(self, now: datetime) -> None:
        idle = [key for key, session in self._sessions.items() if now - session.used_at > IDLE]
        for key in idle:
            del self._sessions[key]


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


SESSIONS = BrowserSessions()
"""The one map of this process: the sign-in routes write it, the pages read it."""
