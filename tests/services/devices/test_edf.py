from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyedflib
import pytest

from demo import recordings
from services.devices.edf import read_edf
from services.devices.stream import Malformed, Misdeclared, NotDeclared, Truncated

ZONE = timezone(timedelta(hours=1))


def write(path: Path, unit: str = "NU") -> np.ndarray:
    samples = recordings.load("bidmc-51").samples["ppg"][: 125 * 20]
    writer = pyedflib.EdfWriter(str(path), 1, file_type=pyedflib.FILETYPE_EDFPLUS)
    writer.setStartdatetime(datetime(2026, 3, 1, 9, tzinfo=ZONE).replace(tzinfo=None))
    writer.setSignalHeader(
        0,
        {
            "label": "PLETH",
            "dimension": unit,
            "sample_frequency": 125,
            "physical_min": 0.0,
            "physical_max": 1.0,
            "digital_min": -32768,
            "digital_max": 32767,
            "transducer": "",
            "prefilter": "",
        },
    )
    writer.writeSamples([samples])
    writer.close()
    return samples


def test_a_signal_comes_with_rate_unit_and_time_in_the_recorders_zone(tmp_path: Path) -> None:
    samples = write(tmp_path / "a.edf")
    (ppg,) = read_edf(tmp_path / "a.edf", {"PLETH": "ppg"}, zone=ZONE)
    assert (ppg.rate_hz, ppg.unit) == (125.0, "NU")
    assert ppg.started_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert np.allclose(ppg.samples[: len(samples)], samples, atol=1e-3)


def test_a_cut_file_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(Truncated):
        read_edf(path, {"PLETH": "ppg"}, zone=ZONE)


@pytest.mark.parametrize("body", [b"", b"0       short", b"x" * 600])
def test_what_is_not_edf_is_malformed(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.edf").write_bytes(body)
    with pytest.raises(Malformed):
        read_edf(tmp_path / "a.edf", {"PLETH": "ppg"}, zone=ZONE)


def test_an_unknown_label_and_an_impossible_unit_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.edf", unit="mmHg")
    with pytest.raises(NotDeclared):
        read_edf(tmp_path / "a.edf", {"ECG": "ecg"}, zone=ZONE)
    with pytest.raises(Misdeclared):
        read_edf(tmp_path / "a.edf", {"PLETH": "ppg"}, zone=ZONE)
