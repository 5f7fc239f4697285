"""Packed samples come back as they were, gaps included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.packing import UnreadableSamples, pack, unpack


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_what_was_packed_is_unpacked(samples: list[float | None]) -> None:
    back = [None if np.isnan(value) else float(value) for value in unpack(pack(samples))]
    assert back == samples


@pytest.mark.parametrize("packed", [b"", b"1234567", b"123456789"])
def test_other_bytes_are_refused(packed: bytes) -> None:
    with pytest.raises(UnreadableSamples):
        unpack(packed)
