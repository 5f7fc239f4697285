import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.signals.beats import Beats, mean_rows, median_rows, pad_rows, quantile_rows

RAGGED = st.lists(st.lists(st.floats(-1e6, 1e6), max_size=9), min_size=1, max_size=6)


def padded(rows: list[list[float]]) -> np.ndarray:
    flat = [(k, value) for k, row in enumerate(rows) for value in row]
    return pad_rows(
        np.array([k for k, _ in flat], dtype=np.intp), np.array([v for _, v in flat]), len(rows)
    )


@given(RAGGED)
def test_padding_keeps_every_value_in_its_row(rows: list[list[float]]) -> None:
    laid = padded(rows)
    assert [row[np.isfinite(row)].tolist() for row in laid] == rows
    assert Beats(laid).count.tolist() == [len(row) for row in rows]


@given(RAGGED, st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]))
def test_quantiles_of_padded_rows_are_those_of_the_values(
    rows: list[list[float]], q: float
) -> None:
    found = quantile_rows(padded(rows), q)
    for value, row in zip(found, rows, strict=True):
        assert np.isnan(value) if not row else np.isclose(value, np.quantile(row, q), atol=1e-6)


def test_mean_and_median_leave_padding_out_and_are_unknown_without_values() -> None:
    laid = np.array([[1.0, 2.0, 6.0], [np.nan] * 3, [4.0, np.nan, np.nan]])
    assert mean_rows(laid).tolist()[::2] == [3.0, 4.0] and np.isnan(mean_rows(laid)[1])
    assert median_rows(laid).tolist()[::2] == [2.0, 4.0] and np.isnan(median_rows(laid)[1])
