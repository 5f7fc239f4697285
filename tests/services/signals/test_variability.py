import numpy as np
import pytest

from services.signals.variability import LEAST_INTERVALS, variability


def test_figures_are_those_of_the_definitions() -> None:
    rr = 800 + 50 * np.random.default_rng(1).normal(size=60)
    found = variability(rr[None])
    change = np.diff(rr)
    assert found.mean_nn_ms[0] == pytest.approx(rr.mean())
    assert found.sdnn_ms[0] == pytest.approx(rr.std(ddof=1))
    assert found.rmssd_ms[0] == pytest.approx(np.sqrt((change**2).mean()))
    assert found.pnn50_fraction[0] == pytest.approx((np.abs(change) > 50).mean())
    assert found.poincare_sd1_ms[0] == pytest.approx(change.std(ddof=1) / np.sqrt(2))
    squares = found.poincare_sd1_ms[0] ** 2 + found.poincare_sd2_ms[0] ** 2
    assert squares == pytest.approx(2 * found.sdnn_ms[0] ** 2)


def test_padding_changes_nothing_and_too_few_is_unknown() -> None:
    rr = 800 + 20 * np.random.default_rng(2).normal(size=40)
    laid = np.full((2, 60), np.nan)
    laid[0, :40] = rr
    laid[1, : LEAST_INTERVALS - 1] = rr[: LEAST_INTERVALS - 1]
    found = variability(laid)
    assert found.rmssd_ms[0] == pytest.approx(variability(rr[None]).rmssd_ms[0])
    assert np.isnan(found.rmssd_ms[1]) and np.isnan(found.mean_nn_ms[1])
