import json
from pathlib import Path

import numpy as np
import pytest

from demo import recordings


def test_every_recording_loads_with_its_declared_streams_and_length() -> None:
    for name in recordings.names():
        recording = recordings.load(name)
        for stream, samples in recording.samples.items():
            assert stream in recording.units
            assert np.isfinite(samples).all()
            assert len(samples) == round(recording.duration_s * recording.rate_hz)


def test_samples_are_the_published_values() -> None:
    # First and last ECG samples of MIT-BIH 101 as published, in mV (11-bit, 200 units per mV).
    ecg = recordings.load("mitdb-101-0").samples["ecg"]
    assert ecg[:3] == pytest.approx([-0.345, -0.345, -0.345])
    assert np.allclose(np.rint(ecg * 200), ecg * 200, atol=1e-6)


def test_references_lie_inside_the_excerpt() -> None:
    for name in recordings.names("mitdb"):
        recording = recordings.load(name)
        times = recording.references["beat_times_s"]
        assert len(times) == len(recording.references["beat_symbols"])
        assert times.min() >= 0 and times.max() < recording.duration_s


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(recordings.UnknownRecording, match="nobody"):
        recordings.load("nobody")


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = json.loads((recordings.FOLDER / "manifest.json").read_text())["recordings"][0]
    (tmp_path / row["file"]).write_bytes(b"other")
    monkeypatch.setattr(recordings, "FOLDER", tmp_path)
    with pytest.raises(recordings.DamagedRecording):
        recordings.load(row["name"])


def test_the_folder_stays_small_and_names_its_licences() -> None:
    assert sum(path.stat().st_size for path in recordings.FOLDER.iterdir()) < 2_500_000
    text = (recordings.FOLDER / "LICENCES.md").read_text()
    for source in {recordings.load(name).source for name in recordings.names()}:
        assert f"`{source}-*`" in text
