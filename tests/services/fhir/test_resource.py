"""Bytes are stable and exact; a moment without its zone is refused."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clinical.units import Micrograms
from services.fhir.resource import NotWritable, instant, meta, milligrams, thousandths, to_bytes
from tests.services.fhir.builders import NOW


def test_key_order_does_not_change_the_bytes() -> None:
    assert to_bytes({"b": 1, "a": [True, {"d": "x", "c": Decimal("12.50")}]}) == (
        b'{"a":[true,{"c":12.50,"d":"x"}],"b":1}'
    )
    assert to_bytes({"b": 1, "a": 2}) == to_bytes({"a": 2, "b": 1})


@pytest.mark.parametrize("value", [1.5, None, b"x", {1: "x"}, object()])
def test_what_json_cannot_say_exactly_is_refused(value: object) -> None:
    with pytest.raises(NotWritable):
        to_bytes({"value": value})


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_the_standard_reader_gets_back_what_was_written(value: dict[str, object]) -> None:
    assert json.loads(to_bytes(value)) == value


@pytest.mark.parametrize(
    ("dose_ug", "written"), [(12500, "12.5"), (625, "0.625"), (10000, "10"), (100000, "100")]
)
def test_a_dose_is_written_exactly(dose_ug: int, written: str) -> None:
    assert f'"value":{written}}}'.encode() in to_bytes(milligrams(Micrograms(dose_ug)))


@given(st.integers(min_value=0, max_value=10**9))
def test_thousandths_lose_nothing(value: int) -> None:
    assert thousandths(value) * 1000 == value


def test_a_moment_without_utc_is_refused() -> None:
    assert instant(NOW) == "2026-03-02T09:30:00.000Z"
    with pytest.raises(ValueError):
        instant(datetime(2026, 3, 2))  # noqa: DTZ001


def test_a_simulated_record_says_so() -> None:
    labelled = meta(simulated=True, ai_asserted=True)["meta"]["security"]
    assert isinstance(labelled, list)
    assert [row["code"] for row in labelled] == ["AIAST", "HTEST"]
    assert meta(simulated=False) == {}
