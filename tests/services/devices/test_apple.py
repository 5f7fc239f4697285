from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.devices.apple import read_ecg_csv, read_heart_rates
from services.devices.stream import Malformed, Misdeclared, NotDeclared, Truncated

HEAD = """Name,A Person
Date of Birth,"1 Jan 1960"
Recorded Date,2026-03-01 09:00:00 +0100
Classification,Sinus Rhythm
Symptoms,
Software Version,2.0
Device,"Watch7,1"
Sample Rate,512 hertz


Lead,Lead I
Unit,µV

"""


def ecg(path: Path, head: str = HEAD, count: int = 15360, mark: str = ".") -> Path:
    body = "\n".join(f"{100 * np.sin(k / 40):.3f}".replace(".", mark) for k in range(count))
    path.write_text(head + body + "\n", encoding="utf-8")
    return path


def test_an_ecg_comes_with_its_rate_unit_and_time(tmp_path: Path) -> None:
    wave = read_ecg_csv(ecg(tmp_path / "ecg.csv"))
    assert (wave.rate_hz, wave.unit, wave.name) == (512.0, "µV", "Lead I")
    assert wave.started_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert len(wave.samples) == 15360
    assert wave.samples[63] == pytest.approx(99.997, abs=0.01)


def test_a_decimal_comma_must_be_declared(tmp_path: Path) -> None:
    path = ecg(tmp_path / "ecg.csv", mark=",")
    assert read_ecg_csv(path, decimal=",").samples[63] == pytest.approx(99.997, abs=0.01)
    with pytest.raises(Malformed):
        read_ecg_csv(path)


@pytest.mark.parametrize("name", ["Recorded Date", "Sample Rate", "Unit"])
def test_a_missing_declaration_is_named(tmp_path: Path, name: str) -> None:
    head = "\n".join(line for line in HEAD.splitlines() if not line.startswith(name))
    with pytest.raises(NotDeclared, match=name):
        read_ecg_csv(ecg(tmp_path / "ecg.csv", head + "\n"))


def test_a_cut_ecg_is_truncated(tmp_path: Path) -> None:
    with pytest.raises(Truncated):
        read_ecg_csv(ecg(tmp_path / "ecg.csv", count=5000))


def test_a_rate_without_unit_and_a_time_without_zone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotDeclared):
        read_ecg_csv(ecg(tmp_path / "a.csv", HEAD.replace("512 hertz", "512")))
    with pytest.raises(Malformed):
        read_ecg_csv(ecg(tmp_path / "b.csv", HEAD.replace(" +0100", "")))


RECORD = (
    '<Record type="HKQuantityTypeIdentifier{kind}" sourceName="Watch" unit="{unit}"'
    ' startDate="2026-03-01 0{hour}:00:00 +0100" endDate="2026-03-01 0{hour}:00:00 +0100"'
    ' value="{value}"/>'
)


def export(path: Path, *records: str, end: str = "</HealthData>") -> Path:
    path.write_text('<?xml version="1.0"?>\n<HealthData locale="en">' + "\n".join(records) + end)
    return path


def heart_rate(hour: int, value: float, unit: str = "count/min") -> str:
    return RECORD.format(kind="HeartRate", unit=unit, hour=hour, value=value)


def test_heart_rates_come_in_order_of_time_and_other_records_are_left(tmp_path: Path) -> None:
    steps = RECORD.format(kind="StepCount", unit="count", hour=7, value=9)
    found = read_heart_rates(
        export(tmp_path / "e.xml", heart_rate(9, 72), steps, heart_rate(8, 64.5))
    )
    assert found.values.tolist() == [64.5, 72.0]
    assert found.times[0] == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert found.unit == "/min" and found.sources == ("Watch", "Watch")


def test_another_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misdeclared):
        read_heart_rates(export(tmp_path / "e.xml", heart_rate(9, 1.2, "count/s")))


def test_a_cut_export_is_truncated_and_other_xml_malformed(tmp_path: Path) -> None:
    with pytest.raises(Truncated):
        read_heart_rates(export(tmp_path / "e.xml", heart_rate(9, 72), end=""))
    (tmp_path / "o.xml").write_text("<Other/>")
    with pytest.raises(Malformed):
        read_heart_rates(tmp_path / "o.xml")
    (tmp_path / "p.xml").write_text("<HealthData><Record></HealthData>")
    with pytest.raises(Malformed):
        read_heart_rates(tmp_path / "p.xml")
