"""Windows are cut from real recordings and fit through the gateway."""

from datetime import UTC, datetime, timedelta

import pytest

from demo import recordings
from demo.signals import windows
from patient_gateway.schemas import WindowItem
from services.signals.packing import pack
from workflows.window_features import WaitingWindow, extract_waiting, shows_irregular_rhythm

_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("irregular", [False, True])
def test_windows_are_whole_and_accepted(irregular: bool) -> None:
    made = windows(3, irregular=irregular, ended_at=_NOW)
    assert made
    for item in made:
        read = WindowItem.model_validate(item)
        assert len(read.samples) == round(30 * read.rate_hz)
        assert read.started_at + timedelta(seconds=30) <= _NOW
    assert len({item["client_id"] for item in made}) == len(made)


def test_two_places_are_two_people() -> None:
    first, second = (windows(n, irregular=False, ended_at=_NOW) for n in (0, 1))
    assert first[0]["samples"] != second[0]["samples"]


@pytest.mark.parametrize("place", range(len(recordings.names("bidmc"))))
def test_an_even_patients_windows_raise_no_rhythm_flag(place: int) -> None:
    """A flag holds every step: a story about something else would stop at it."""
    sent = [
        WindowItem.model_validate(item) for item in windows(place, irregular=False, ended_at=_NOW)
    ]
    waiting = [
        WaitingWindow(
            window_id=item.client_id,
            patient_id="p",
            signal=item.kind,
            rate_hz=item.rate_hz,
            unit=item.unit,
            started_at=item.started_at,
            clock_id=item.clock_id,
            samples=pack(item.samples),
        )
        for item in sent
    ]
    assert not any(shows_irregular_rhythm(result) for result in extract_waiting(waiting))
