"""Windows are cut from real recordings and fit through the gateway."""

from datetime import UTC, datetime, timedelta

import pytest

from demo.signals import windows
from patient_gateway.schemas import WindowItem

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
