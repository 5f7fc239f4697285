from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from services.devices.apple import read_ecg_csv, read_heart_rates
from services.devices.csv_table import Column, Schema, read_csv
from services.devices.polar import read_rr_text
from services.devices.stream import (
    DeviceFileRefused,
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


SCHEMA = Schema({"ppg": Column("ppg", "NU")}, 50.0, datetime(2026, 3, 1, tzinfo=UTC))
READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "csv": (lambda path: read_csv(path, SCHEMA), "t,ppg\n" + "0.02,1.25\n" * 40),
    "apple ecg": (
        read_ecg_csv,
        "Recorded Date,2026-03-01 09:00:00 +0100\nSample Rate,25 hertz\nUnit,µV\n\n"
        + "1.5\n" * 750,
    ),
    "apple export": (
        read_heart_rates,
        '<HealthData><Record type="HKQuantityTypeIdentifierHeartRate" unit="count/min"'
        ' sourceName="Watch" startDate="2026-03-01 09:00:00 +0100" value="61"/></HealthData>',
    ),
    "polar": (
        lambda path: read_rr_text(path, device="H10"),
        "Phone timestamp;RR-interval [ms]\n2026-03-01T09:00:00.100Z;812\n"
        "2026-03-01T09:00:00.900Z;806\n",
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_a_whole_file_is_read_and_a_cut_or_foreign_one_is_read_or_refused_by_name(
    name: str, tmp_path: Path
) -> None:
    read, text = READERS[name]
    path = tmp_path / "file"
    whole = text.encode()
    path.write_bytes(whole)
    read(path)
    foreign = (b"", b"\xff\xfe\x00", b"\x00" * 64, bytes(range(256)), b"PK\x03\x04" + whole)
    cuts = {*range(0, len(whole), max(1, len(whole) // 40)), *range(min(120, len(whole)))}
    for body in (*foreign, *(whole[:cut] for cut in sorted(cuts))):
        path.write_bytes(body)
        try:
            read(path)
        except DeviceFileRefused:
            continue
