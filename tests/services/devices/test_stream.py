from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from services.devices.stream import (
    Malformed,
    Measures,
    Misdeclared,
    NotDeclared,
    Truncated,
    Waveform,
    moment,
    number,
    require_aware,
)

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf")])
def test_a_waveform_needs_a_rate(rate_hz: float) -> None:
    with pytest.raises(Misdeclared):
        Waveform("ecg", "I", np.ones(3), rate_hz, "mV", START)


def test_a_unit_that_the_kind_cannot_have_is_refused() -> None:
    with pytest.raises(Misdeclared, match="mmHg"):
        Waveform("ecg", "I", np.ones(3), 100.0, "mmHg", START)


def test_a_start_needs_its_zone() -> None:
    with pytest.raises(NotDeclared):
        Waveform("ecg", "I", np.ones(3), 100.0, "mV", START.replace(tzinfo=None))
    with pytest.raises(NotDeclared):
        require_aware(None, "I")


def test_no_samples_is_a_cut_file() -> None:
    with pytest.raises(Truncated):
        Waveform("ecg", "I", np.empty(0), 100.0, "mV", START)


def test_times_come_out_in_utc() -> None:
    local = START.astimezone(timezone(timedelta(hours=2)))
    assert require_aware(local, "x").tzinfo is UTC
    assert moment("2026-03-01T10:00:00+02:00", "x") == START


def test_measures_need_a_time_and_a_source_each() -> None:
    with pytest.raises(Misdeclared):
        Measures("heart_rate", (START,), np.array([60.0, 61.0]), ("watch",))


@pytest.mark.parametrize("text", ["", "nan", "inf", "1,5", "1.5.2", "six"])
def test_what_is_no_number_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        number(text, "x")


def test_a_decimal_comma_is_read_only_where_declared() -> None:
    assert number("-1,5", "x", ",") == -1.5
    with pytest.raises(Malformed):
        number("1.5", "x", ",")
