"""Windows of real recordings as a watch would send them."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from demo import recordings
from demo.history import Item

WINDOW_S: Final = 30.0
WINDOWS_A_STREAM: Final = 2
# A watch's optical signal has no physical unit; the gateway calls its own counts "1".
_UNITS: Final = {"ppg": "1", "ecg": "mV"}
# Bedside recordings of uneven hearts: flagged, rightly, and no part of an even patient's story.
_UNEVEN: Final = frozenset({"bidmc-17", "bidmc-24"})


def windows(place: int, *, irregular: bool, ended_at: datetime) -> list[Item]:
    """Return windows of one recorded person; `place` chooses whom. They end at `ended_at`.

    `irregular`: from a recording with atrial fibrillation or many ectopic beats.
    """
    source = "mitdb" if irregular else "bidmc"
    names = [name for name in recordings.names(source) if name not in _UNEVEN]
    recording = recordings.load(names[place % len(names)])
    first = ended_at - timedelta(seconds=WINDOW_S * WINDOWS_A_STREAM)
    return [
        {
            "client_id": f"{stream}-{recording.name}-{number}-{first:%Y%m%d%H%M%S}",
            "kind": stream,
            "rate_hz": recording.rate_hz,
            "unit": _UNITS[stream],
            "started_at": (first + timedelta(seconds=WINDOW_S * number)).isoformat(),
            "clock_id": f"watch-{place}",
            "samples": [round(float(sample), 5) for sample in samples],
        }
        for stream in ("ecg", "ppg")
        if stream in recording.samples
        for number, samples in enumerate(
            islice(recording.windows(stream, WINDOW_S), WINDOWS_A_STREAM)
        )
    ]
