"""Who is excluded from the patient-alone path; hard limits that no plan and no signature loosen."""

import csv
from pathlib import Path
from typing import Any

import pytest

from services.clinical.guard import judge
from services.clinical.moves import Path as Door
from services.clinical.patient import Condition, DoseChangeRecord, Lab, LabResult
from services.clinical.rules_autonomy import AUTONOMY_RULES
from services.clinical.verdict import Advise, Ask, Strength
from tests.services.clinical.examples import (
    LABS,
    LONG_AGO,
    NOW,
    UP,
    changed,
    envelope,
    lab,
    proposal,
    snapshot,
)

ROWS = list(csv.DictReader((Path(__file__).parent / "tables" / "exclusions.csv").open()))


def test_the_table_has_its_rows_and_all_rules_are_of_autonomy() -> None:
    assert len(ROWS) == 17
    assert {rule.strength for rule in AUTONOMY_RULES} == {Strength.AUTONOMY}


def test_an_exclusion_is_said_as_a_sentence() -> None:
    said = {rule.rule_id: rule.sentence for rule in AUTONOMY_RULES}
    assert said["alone_typed"] == "Not alone: readings were typed, not sent by the monitor."


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["condition"])
def test_who_may_not_step_alone(row: dict[str, str]) -> None:
    made = snapshot(conditions=frozenset({Condition(row["condition"])}))
    found = judge(proposal(UP, Door.PATIENT), made, envelope(), NOW)
    if not row["rule"]:
        assert found == Advise(())
        return
    assert isinstance(found, Ask) and found.binding is not None
    assert found.binding.rule_id == row["rule"]
    assert isinstance(judge(proposal(UP, decided=True), made, None, NOW), Advise)


@pytest.mark.parametrize(
    "beyond",
    [
        {"min_interval_days": 13},
        {"steps_allowed": 4},
        {"max_step_rungs": 2},
        {"potassium_below_thousandths": 5001},
        {"egfr_at_least_thousandths": 29_999},
        {"lab_max_age_days": 184},
    ],
)
def test_two_signatures_do_not_move_a_hard_limit(beyond: dict[str, Any]) -> None:
    plan = envelope(second_signed_by="c-2", **beyond)
    found = judge(proposal(UP, Door.PATIENT), snapshot(), plan, NOW)
    assert isinstance(found, Ask) and found.binding is not None
    assert found.binding.rule_id == "envelope_beyond_limits"


LOOSE = {
    "steps_allowed": 9,
    "potassium_below_thousandths": 9_000,
    "egfr_at_least_thousandths": 1_000,
    "lab_max_age_days": 900,
}


def labs(potassium: int = 4200, egfr: int = 85_000, days_ago: int = 30) -> tuple[LabResult, ...]:
    return (
        lab(Lab.POTASSIUM, potassium, days_ago),
        *LABS[1:3],
        lab(Lab.EGFR, egfr, days_ago),
    )


def steps(count: int) -> tuple[DoseChangeRecord, ...]:
    plan = envelope()
    return tuple(
        changed(28 * (count - n), by_patient=True, envelope_id=plan.envelope_id)
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("rule", "within", "beyond"),
    [
        ("plan_potassium", {"labs": labs(potassium=4999)}, {"labs": labs(potassium=5000)}),
        ("plan_egfr", {"labs": labs(egfr=30_000)}, {"labs": labs(egfr=29_999)}),
        ("plan_labs_old", {"labs": labs(days_ago=183)}, {"labs": labs(days_ago=184)}),
        ("steps_used_up", {"changes": steps(2)}, {"changes": steps(3)}),
    ],
)
def test_each_hard_limit_is_looked_at_itself_under_a_plan_that_is_too_loose(
    rule: str, within: dict[str, Any], beyond: dict[str, Any]
) -> None:
    plan = envelope(second_signed_by="c-2", valid_from=LONG_AGO, **LOOSE)
    for changes, found in ((within, False), (beyond, True)):
        verdict = judge(proposal(UP, Door.PATIENT), snapshot(**changes), plan, NOW)
        spoke = {finding.rule_id for finding in verdict.findings}
        assert "envelope_beyond_limits" in spoke
        assert (rule in spoke) is found, changes
