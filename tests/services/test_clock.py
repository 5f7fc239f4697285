from datetime import UTC

from services.clock import now


def test_now_is_aware_utc_and_never_goes_back() -> None:
    first, second = now(), now()
    assert first.tzinfo is UTC
    assert first <= second
