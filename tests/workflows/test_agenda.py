"""One timer to the earliest: nothing due is missed, nothing is done early."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workflows.agenda import Agenda, Due, DueKind

START = datetime(2026, 1, 1, tzinfo=UTC)
DUES = st.lists(
    st.builds(
        Due,
        st.sampled_from(DueKind),
        st.integers(0, 1000).map(lambda minutes: START + timedelta(minutes=minutes)),
        st.sampled_from(["", "a", "b"]),
    )
)


@given(DUES, st.integers(0, 1000))
def test_what_is_due_is_taken_once_and_the_rest_stays(dues: list[Due], minutes: int) -> None:
    agenda = Agenda(dues)
    before = set(agenda.entries())
    now = START + timedelta(minutes=minutes)
    taken = agenda.take_due(now)
    assert all(due.at <= now for due in taken)
    assert all(due.at > now for due in agenda.entries())
    assert set(taken) | set(agenda.entries()) == before
    assert agenda.take_due(now) == ()


@given(DUES)
def test_the_next_is_the_earliest_and_the_order_is_not_that_of_insertion(dues: list[Due]) -> None:
    agenda = Agenda(dues)
    entries = agenda.entries()
    assert agenda.next_at() == (entries[0].at if entries else None)
    assert Agenda(reversed(entries)).entries() == entries


def test_setting_an_entry_again_replaces_it() -> None:
    agenda = Agenda()
    agenda.put(DueKind.ASSESS, START)
    agenda.put(DueKind.ASSESS, START + timedelta(days=1))
    assert agenda.entries() == (Due(DueKind.ASSESS, START + timedelta(days=1)),)


def test_dropping_what_is_about_one_id_leaves_the_others() -> None:
    agenda = Agenda()
    agenda.put(DueKind.ADVICE_REMINDER, START, "x")
    agenda.put(DueKind.ADVICE_EXPIRY, START, "x")
    agenda.put(DueKind.ADVICE_EXPIRY, START, "y")
    agenda.drop_about("x")
    agenda.drop(DueKind.ASSESS)
    assert [due.about for due in agenda.entries()] == ["y"]
    assert agenda.holds(DueKind.ADVICE_EXPIRY, "y")
    assert not agenda.holds(DueKind.ADVICE_EXPIRY, "x")
