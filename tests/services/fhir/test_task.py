"""Work for a person: what it is about, by when, and how it ended."""

from datetime import timedelta
from typing import get_args

import pytest

from services.fhir.checks import require_valid, select
from services.fhir.task import TaskKind, task, with_status
from tests.services.fhir.builders import NOW, SUBJECT


@pytest.mark.parametrize("kind", get_args(TaskKind))
def test_every_kind_of_task_is_valid(kind: TaskKind) -> None:
    made = task(
        task_id="task-1",
        subject=SUBJECT,
        kind=kind,
        opened_at=NOW,
        deadline=NOW + timedelta(hours=72),
        owner_id="clinician-1",
        focus=("MedicationRequest/1", "MedicationRequest/2"),
    )
    require_valid(made)
    assert made["focus"] == {"reference": "MedicationRequest/1"}
    assert list(select(made, "basedOn.reference")) == ["MedicationRequest/2"]
    assert list(select(made, "restriction.period.end")) == ["2026-03-05T09:30:00.000Z"]


def test_a_rejection_keeps_its_coded_reason_and_its_text() -> None:
    opened = task(
        task_id="task-1",
        subject=SUBJECT,
        kind="review",
        opened_at=NOW,
        deadline=None,
        owner_id=None,
        focus=("MedicationRequest/1",),
    )
    closed = with_status(
        opened,
        status="rejected",
        now=NOW + timedelta(hours=1),
        reason_code="side_effects",
        reason_text="Ankles swell.",
    )
    require_valid(closed)
    assert closed["status"] == "rejected"
    assert closed["lastModified"] == "2026-03-02T10:30:00.000Z"
    assert closed["authoredOn"] == opened["authoredOn"]
    assert list(select(closed, "statusReason.text")) == ["Ankles swell."]
    assert opened["status"] == "requested"
