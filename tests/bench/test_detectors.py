import numpy as np
import pytest

from bench import detectors
from demo import recordings


@pytest.mark.parametrize(("detector", "stream"), [(detectors.ecg, "ecg"), (detectors.ppg, "ppg")])
def test_a_batch_gives_sample_places_for_each_window(
    detector: detectors.BatchDetector, stream: str
) -> None:
    recording = recordings.load("bidmc-18")
    rows = recording.windows(stream, 30.0)
    assert detector.batch
    places = detector(rows, recording.rate_hz)
    assert len(places) == len(rows)
    wanted = recording.references["beat_times_s"]
    for row, found in enumerate(places):
        inside = ((wanted >= 30 * row) & (wanted < 30 * row + 30)).sum()
        assert abs(len(found) - inside) <= 2
        assert (np.diff(found) > 0).all() and found.max() < rows.shape[1]


def test_one_window_alone_gives_what_the_batch_gives() -> None:
    recording = recordings.load("mitdb-101-0")
    rows = recording.windows("ecg", 30.0)
    together = detectors.ecg(rows, recording.rate_hz)
    assert np.allclose(detectors.ecg(rows[2], recording.rate_hz), together[2], atol=0.5)
