"""Whatever JSON arrives, every item is accepted or refused by name, and nothing breaks."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patient_gateway.items import Batch, ItemAnswer, read_batch, read_one
from patient_gateway.schemas import (
    DoseItem,
    GoalRequest,
    ReadingItem,
    SymptomItem,
    WeightItem,
    WindowItem,
)
from patient_gateway.wire import Wire
from services.problems import ProblemCode, ProblemRaised

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
MODELS: dict[type[Wire], str] = {
    ReadingItem: "taken_at",
    DoseItem: "taken_at",
    SymptomItem: "reported_at",
    WeightItem: "taken_at",
    WindowItem: "started_at",
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["mm[Hg]", "kg", "ppg", "5 mg", "amlodipine", "2026-03-02T07:00:00Z"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_json_is_answered_item_by_item(model: type[Wire], data: st.DataObject) -> None:
    names = st.sampled_from(sorted(model.model_fields))
    items = data.draw(st.lists(JSON | st.dictionaries(names, JSON), min_size=1, max_size=5))
    batch = read_batch(
        {"items": items}, model, now=NOW, time_of=lambda item: getattr(item, MODELS[model])
    )
    assert sorted([*batch.accepted, *batch.refused]) == list(range(len(items)))
    for answer in batch.refused.values():
        json.dumps(answer.document("zh-CN"))
        assert answer.status == "refused" and answer.problem is not None
    for item in batch.accepted.values():
        assert getattr(item, MODELS[model]) <= NOW + timedelta(minutes=10)


@pytest.mark.parametrize("offset_s", [-1, 0, 1])
def test_the_future_begins_ten_minutes_from_now(offset_s: int) -> None:
    at = NOW + timedelta(minutes=10, seconds=offset_s)
    item = {
        "client_id": "w",
        "weight": 80,
        "unit": "kg",
        "taken_at": at.isoformat(),
    }
    batch = read_batch({"items": [item]}, WeightItem, now=NOW, time_of=lambda one: one.taken_at)
    assert bool(batch.accepted) is (offset_s <= 0)


def test_answers_stand_in_the_order_of_the_upload() -> None:
    goal = GoalRequest(text="x")
    refused = {1: ItemAnswer("b", "refused")}
    batch = Batch({0: goal, 2: goal}, refused)
    stored = [ItemAnswer("a", "stored", "1"), ItemAnswer("c", "duplicate", "2")]
    assert [item.client_id for item in batch.answers(stored)] == ["a", "b", "c"]


@pytest.mark.parametrize("body", [None, [], "x", {}, {"text": ""}, {"text": "  "}, {"text": 1}])
def test_one_object_is_read_or_refused_with_its_fields(body: object) -> None:
    with pytest.raises(ProblemRaised) as caught:
        read_one(body, GoalRequest)
    assert caught.value.problem.code is ProblemCode.INVALID_INPUT
    assert caught.value.problem.errors
