from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from services.devices.sampled_data import read_sampled_data
from services.devices.stream import Malformed, Misdeclared, NotDeclared

START = datetime(2026, 3, 1, tzinfo=UTC)


def sampled(**changed: Any) -> dict[str, Any]:
    element = {
        "origin": {"value": 2.0, "unit": "mV", "code": "mV", "system": "http://unitsofmeasure.org"},
        "period": 4,
        "factor": 0.5,
        "dimensions": 1,
        "data": "0 2 -4 E U L",
    }
    return {key: value for key, value in {**element, **changed}.items() if value is not None}


def test_values_are_origin_plus_factor_times_data_and_flags_are_no_samples() -> None:
    wave = read_sampled_data(sampled(), "ecg", started_at=START)
    assert wave.rate_hz == 250.0
    assert wave.samples[:3].tolist() == [2.0, 3.0, 0.0]
    assert np.isnan(wave.samples[3:]).all()


def test_an_absent_factor_is_one_as_the_standard_says() -> None:
    assert read_sampled_data(sampled(factor=None), "ecg", started_at=START).samples[1] == 4.0


@pytest.mark.parametrize("absent", ["period", "data", "origin"])
def test_what_is_not_declared_is_not_guessed(absent: str) -> None:
    with pytest.raises(NotDeclared):
        read_sampled_data(sampled(**{absent: None}), "ecg", started_at=START)


def test_a_missing_unit_is_refused() -> None:
    with pytest.raises(NotDeclared):
        read_sampled_data(sampled(origin={"value": 0}), "ecg", started_at=START)


@pytest.mark.parametrize("data", ["1 two 3", "1 nan", "1 inf", "1,2"])
def test_a_token_that_is_no_number_is_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        read_sampled_data(sampled(data=data), "ecg", started_at=START)


@pytest.mark.parametrize("changed", [{"dimensions": 3}, {"period": 0}, {"factor": 0}])
def test_what_cannot_be_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Misdeclared):
        read_sampled_data(sampled(**changed), "ecg", started_at=START)
