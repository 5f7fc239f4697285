"""Packed samples come back as they were, gaps included, in few bytes; torn ones are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo import recordings
from services.signals.packing import MARK, UnreadableSamples, pack, unpack

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.integers(-(10**9), 10**9).map(lambda whole: whole / 1000)


def back(packed: bytes) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in unpack(packed).values]


@given(st.lists(st.none() | DOUBLES, min_size=1) | st.lists(st.none() | DECIMALS, min_size=1))
def test_what_was_packed_is_unpacked(samples: list[float | None]) -> None:
    assert back(pack(samples)) == samples


@pytest.mark.parametrize("kept", [True, False])
def test_whether_the_baseline_was_kept_stays_with_the_samples(kept: bool) -> None:
    assert unpack(pack([1.0, None, 2.5], baseline_kept=kept)).baseline_kept is kept


def test_an_older_blob_of_bare_doubles_is_read_and_kept_no_baseline() -> None:
    samples = unpack(np.array([1.5, np.nan, -2.0], "<f8").tobytes())
    assert samples.values == pytest.approx([1.5, np.nan, -2.0], nan_ok=True)
    assert not samples.baseline_kept


def test_real_samples_need_less_than_a_quarter_of_their_doubles() -> None:
    recording = recordings.load("bidmc-51")
    for stream in ("ecg", "ppg"):
        samples = [round(float(s), 4) for s in recording.windows(stream, 30.0)[0]]
        assert len(pack(samples)) < 0.25 * 8 * len(samples)


WHOLE = pack([1.0, 2.0, None, 4.5] * 50)


@pytest.mark.parametrize("packed", [b"", b"1234567", b"123456789", MARK, WHOLE + b"more"])
def test_other_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(UnreadableSamples):
        unpack(packed)


@pytest.mark.parametrize("kept", range(len(MARK), len(WHOLE)))
def test_a_blob_cut_anywhere_is_refused(kept: int) -> None:
    with pytest.raises(UnreadableSamples):
        unpack(WHOLE[:kept])


@given(st.integers(8, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_never_raises_anything_else(place: int, change: int) -> None:
    spoilt = bytearray(WHOLE)
    spoilt[place] ^= change
    try:
        unpack(bytes(spoilt))
    except UnreadableSamples:
        return
