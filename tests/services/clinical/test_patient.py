"""The snapshot's vocabulary: what is unknown has no value that could pass for normal."""

from dataclasses import fields

from services.clinical.patient import Pregnancy, Sex, Snapshot, Symptom
from tests.services.clinical.examples import snapshot


def test_a_snapshot_states_everything_but_the_context_of_rhythm_and_wearable() -> None:
    """A default would be an answer that nobody gave."""
    optional = {item.name for item in fields(Snapshot) if item.default is not item.default_factory}
    assert optional == {
        "rhythm_checked_manually_at",
        "irregular_rhythm_flag_at",
        "wearable_features",
        "wearable_version",
    }


def test_unknown_is_a_value_of_its_own() -> None:
    assert Sex.UNKNOWN not in (Sex.FEMALE, Sex.MALE)
    assert "unknown" not in {status.value for status in Pregnancy}, "unknown status is None"
    assert len(Symptom) == 15


def test_two_equal_snapshots_are_one_value() -> None:
    assert snapshot() == snapshot() and hash(snapshot()) == hash(snapshot())
