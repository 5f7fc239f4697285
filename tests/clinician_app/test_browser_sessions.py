"""Browser sessions: random, idle after fifteen minutes, gone at sign-out."""

from datetime import UTC, datetime, timedelta

from clinician_app.browser_sessions import IDLE, BrowserSession, BrowserSessions

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def session(used_at: datetime = NOW) -> BrowserSession:
    return BrowserSession("token", NOW + timedelta(minutes=15), "c1", "Dr A", "clinician", used_at)


def test_a_cookie_finds_its_session_until_it_is_idle_for_fifteen_minutes() -> None:
    sessions = BrowserSessions()
    cookie = sessions.open(session())
    assert sessions.find(cookie, NOW + IDLE) == session()
    assert sessions.find(cookie, NOW + IDLE + timedelta(seconds=1)) is None
    assert sessions.find(cookie, NOW) is None, "an idle session does not come back"


def test_use_moves_the_end_on_and_keeps_a_renewed_token() -> None:
    sessions = BrowserSessions()
    cookie = sessions.open(session())
    later = NOW + timedelta(minutes=10)
    sessions.use(cookie, later, renewed=("token-2", later + IDLE))
    found = sessions.find(cookie, NOW + timedelta(minutes=24))
    assert found is not None and (found.token, found.expires_at) == ("token-2", later + IDLE)


def test_two_sign_ins_have_two_cookies_and_one_sign_out_ends_one() -> None:
    sessions = BrowserSessions()
    first, second = sessions.open(session()), sessions.open(session())
    assert first != second and len(first) == 64
    assert sessions.close(first) == session()
    assert sessions.find(first, NOW) is None
    assert sessions.find(second, NOW) is not None
    assert sessions.close(first) is None and sessions.close(None) is None


def test_a_cookie_that_was_never_given_finds_nothing() -> None:
    sessions = BrowserSessions()
    sessions.open(session())
    assert sessions.find("0" * 64, NOW) is None and sessions.find(None, NOW) is None
