from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import wfdb

from demo import recordings
from services.devices.stream import Malformed, Misdeclared, NotDeclared, Truncated
from services.devices.wfdb_record import read_wfdb

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def header(tmp_path: Path) -> Path:
    recording = recordings.load("bidmc-51")
    samples = np.stack([recording.samples["ecg"], recording.samples["ppg"]], axis=1)[:2500]
    wfdb.wrsamp(
        "r51",
        fs=125,
        units=["mV", "NU"],
        sig_name=["II", "PLETH"],
        p_signal=samples,
        fmt=["16", "16"],
        write_dir=str(tmp_path),
    )
    return tmp_path / "r51.hea"


def test_signals_come_with_rate_unit_time_and_one_clock(header: Path) -> None:
    ecg, ppg = read_wfdb(header, {"II": "ecg", "PLETH": "ppg"}, started_at=START)
    recording = recordings.load("bidmc-51")
    assert (ecg.kind, ecg.unit, ecg.rate_hz, ecg.started_at) == ("ecg", "mV", 125.0, START)
    assert ecg.clock_id == ppg.clock_id is not None
    assert np.allclose(ppg.samples, recording.samples["ppg"][:2500], atol=1e-3)


def test_no_start_anywhere_is_refused(header: Path) -> None:
    with pytest.raises(NotDeclared):
        read_wfdb(header, {"II": "ecg"})


def test_a_signal_that_is_not_there_is_named(header: Path) -> None:
    with pytest.raises(NotDeclared, match="aVR"):
        read_wfdb(header, {"aVR": "ecg"}, started_at=START)


def test_a_cut_signal_file_is_truncated(header: Path) -> None:
    data = header.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[:-400])
    with pytest.raises(Truncated):
        read_wfdb(header, {"II": "ecg"}, started_at=START)


def test_changed_samples_contradict_the_checksum(header: Path) -> None:
    data = header.with_suffix(".dat")
    body = bytearray(data.read_bytes())
    body[100] ^= 0x15
    data.write_bytes(bytes(body))
    with pytest.raises(Misdeclared):
        read_wfdb(header, {"II": "ecg"}, started_at=START)


def test_a_start_against_the_header_is_refused(header: Path) -> None:
    lines = header.read_text().splitlines()
    header.write_text("\n".join([lines[0] + " 08:00:00 01/03/2026", *lines[1:]]) + "\n")
    assert read_wfdb(header, {"II": "ecg"}, started_at=START)[0].started_at == START
    with pytest.raises(Misdeclared):
        read_wfdb(header, {"II": "ecg"}, started_at=START.replace(hour=9))
    with pytest.raises(NotDeclared):
        read_wfdb(header, {"II": "ecg"})


@pytest.mark.parametrize("text", ["", "not a header\n", "r51 two 125 2500\n"])
def test_a_broken_header_is_refused_by_name(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "r51.hea"
    broken.write_text(text)
    with pytest.raises((Malformed, Truncated, NotDeclared)):
        read_wfdb(broken, {"II": "ecg"}, started_at=START)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        read_wfdb(tmp_path / "none.hea", {"II": "ecg"}, started_at=START)
