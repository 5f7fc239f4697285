from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.devices.csv_table import Column, Schema, read_csv
from services.devices.stream import Malformed, Misdeclared, NotDeclared, Truncated

SCHEMA = Schema(
    {"green": Column("ppg", "adu")}, 50.0, datetime(2026, 3, 1, tzinfo=UTC), seconds_column="t"
)


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["t,green,red", *rows]) + "\n")
    return path


def rows(count: int = 100, rate_hz: float = 50.0) -> list[str]:
    return [f"{k / rate_hz:.4f},{k % 7},0" for k in range(count)]


def test_a_declared_column_is_read_and_the_rest_left(tmp_path: Path) -> None:
    (ppg,) = read_csv(write(tmp_path / "a.csv", rows()), SCHEMA)
    assert (ppg.kind, ppg.unit, ppg.rate_hz, len(ppg.samples)) == ("ppg", "adu", 50.0, 100)
    assert ppg.samples[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]


def test_an_empty_field_is_no_sample(tmp_path: Path) -> None:
    body = rows()
    body[3] = "0.0600,,0"
    (ppg,) = read_csv(write(tmp_path / "a.csv", body), SCHEMA)
    assert np.flatnonzero(np.isnan(ppg.samples)).tolist() == [3]


def test_time_stamps_that_contradict_the_rate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misdeclared):
        read_csv(write(tmp_path / "a.csv", rows(rate_hz=64.0)), SCHEMA)


@pytest.mark.parametrize("drop", [slice(10, 40), slice(98, 99)])
def test_a_hole_in_the_time_stamps_is_refused(tmp_path: Path, drop: slice) -> None:
    body = rows()
    del body[drop]
    with pytest.raises(Misdeclared):
        read_csv(write(tmp_path / "a.csv", body), SCHEMA)


def test_a_cut_row_is_truncated_and_a_long_one_malformed(tmp_path: Path) -> None:
    with pytest.raises(Truncated, match="row 102"):
        read_csv(write(tmp_path / "a.csv", [*rows(), "2.0000,5"]), SCHEMA)
    with pytest.raises(Malformed):
        read_csv(write(tmp_path / "a.csv", [*rows(), "2.0000,5,6,7"]), SCHEMA)
    with pytest.raises(Malformed):
        read_csv(write(tmp_path / "a.csv", [*rows(), "2.0000,five,6"]), SCHEMA)


def test_an_undeclared_column_or_zone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", rows())
    with pytest.raises(NotDeclared):
        read_csv(path, replace(SCHEMA, columns={"blue": Column("ppg", "adu")}))
    with pytest.raises(NotDeclared):
        read_csv(path, replace(SCHEMA, started_at=SCHEMA.started_at.replace(tzinfo=None)))


def test_an_empty_file_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(Truncated):
        read_csv(tmp_path / "a.csv", SCHEMA)
    with pytest.raises(Truncated):
        read_csv(write(tmp_path / "b.csv", []), replace(SCHEMA, seconds_column=None))
