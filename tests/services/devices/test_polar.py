from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.devices.polar import read_rr_text
from services.devices.stream import Malformed, Misdeclared, NotDeclared, Truncated

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_plain_intervals_are_timed_from_the_start(tmp_path: Path) -> None:
    path = write(tmp_path / "rr.txt", "800\n810\n790\n")
    found = read_rr_text(path, device="H10", started_at=START)
    assert found.values.tolist() == [800.0, 810.0, 790.0]
    assert found.times[-1] == START + timedelta(seconds=2.4)
    assert found.unit == "ms"


def test_stamped_intervals_keep_their_stamps(tmp_path: Path) -> None:
    head = "Phone timestamp;RR-interval [ms]\n"
    body = "2026-03-01T08:00:01.000;812\n2026-03-01T08:00:01.800;799\n"
    found = read_rr_text(write(tmp_path / "rr.txt", head + body), device="H10", started_at=START)
    assert found.times[0] == START + timedelta(seconds=1)
    with pytest.raises(NotDeclared):
        read_rr_text(tmp_path / "rr.txt", device="H10")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", Truncated),
        ("Phone timestamp;RR-interval [ms]\n", Truncated),
        (
            "Phone timestamp;RR-interval [ms]\n2026-03-01T08:00:01.000;812\n2026-03-01T08:00",
            Truncated,
        ),
        ("800\neight\n", Malformed),
        ("0.80\n0.81\n0.79\n", Misdeclared),
        ("800\n-810\n790\n", Misdeclared),
        (
            "Phone timestamp;RR-interval [ms]\n2026-03-01T08:00:02.000;812\n"
            "2026-03-01T08:00:01.000;799\n",
            Misdeclared,
        ),
    ],
)
def test_broken_files_are_refused_by_name(
    tmp_path: Path, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        read_rr_text(write(tmp_path / "rr.txt", text), device="H10", started_at=START)


def test_no_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotDeclared):
        read_rr_text(write(tmp_path / "rr.txt", "800\n"), device="H10")
