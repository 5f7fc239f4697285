"""Who fails half of the time is left alone for a while, then tried by one."""

from models.breaker import FEWEST, SHUT_FOR_S, WITHIN_S, Breaker


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FEWEST):
        breaker.note(worked=False)
    return breaker, clock


def test_it_opens_at_half_failures_and_not_below() -> None:
    breaker = Breaker(Clock())
    for worked in (True, True, True, False, False):
        breaker.note(worked=worked)
    assert breaker.lets_through()
    breaker.note(worked=False)
    assert not breaker.lets_through()


def test_a_few_failures_alone_do_not_open_it() -> None:
    breaker = Breaker(Clock())
    for _ in range(FEWEST - 1):
        breaker.note(worked=False)
    assert breaker.lets_through()


def test_failures_longer_ago_than_the_span_do_not_count() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FEWEST - 1):
        breaker.note(worked=False)
    clock.now_s += WITHIN_S + 0.1
    breaker.note(worked=False)
    assert breaker.lets_through()


def test_after_the_wait_one_tries_and_the_rest_still_wait() -> None:
    breaker, clock = opened()
    clock.now_s += SHUT_FOR_S
    assert breaker.lets_through()
    assert not breaker.lets_through()
    breaker.note(worked=True)
    assert breaker.lets_through()


def test_a_failed_try_keeps_it_open_for_another_wait() -> None:
    breaker, clock = opened()
    clock.now_s += SHUT_FOR_S
    assert breaker.lets_through()
    breaker.note(worked=False)
    clock.now_s += SHUT_FOR_S - 1
    assert not breaker.lets_through()
    clock.now_s += 1
    assert breaker.lets_through()
