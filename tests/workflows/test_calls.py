"""The ring of things done, and how a worker's work is called, checked where it runs."""

from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import keep_recent


@given(st.lists(st.sampled_from("abcdef")), st.sampled_from("abcdef"), st.integers(1, 8))
def test_the_ring_keeps_the_newest_once_and_is_bounded(
    items: list[str], item: str, size: int
) -> None:
    ring: list[str] = []
    for one in items:
        ring = keep_recent(ring, one, size)
    kept = keep_recent(ring, item, size)
    assert kept[-1] == item
    assert kept.count(item) == 1
    assert len(kept) <= size
    assert kept[:-1] == [known for known in ring if known != item][-(size - 1) or len(kept) :]
