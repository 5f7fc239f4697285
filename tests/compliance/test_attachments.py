import csv
import io
import json
from datetime import UTC, datetime

import pytest

from compliance.attachments import (
    CSV_COLUMNS,
    IndexedEvent,
    audit_events_ndjson,
    events_csv,
    neutral,
    report_pdf,
)
from services.audit.actions import Action
from services.audit.event import ActorKind, AuditEvent, Outcome, pseudonym

KEY = bytes(range(32))


def event(index: int, action: Action, outcome: Outcome = Outcome.SUCCESS) -> IndexedEvent:
    return IndexedEvent(
        index,
        AuditEvent(
            event_id=f"00000000-0000-4000-8000-{index:012d}",
            occurred_at=datetime(2026, 3, 1, 8, index, tzinfo=UTC),
            action=action,
            actor_kind=ActorKind.CLINICIAN,
            actor_pseudonym=pseudonym(KEY, "clinician"),
            patient_pseudonym=pseudonym(KEY, "patient"),
            subject_type="MedicationRequest",
            subject_id=f"order-{index}@1",
            payload_commitment=None,
            outcome=outcome,
            details=(("rule", "-potassium=high"),),
        ),
    )


EVENTS = [
    event(0, Action.ORDER_ENACTED),
    event(1, Action.ORDER_REFUSED, Outcome.REFUSED),
    event(2, Action.AUDIT_EXPORTED),
]


def test_every_event_becomes_one_audit_event_in_log_order() -> None:
    lines = b"".join(audit_events_ndjson(EVENTS)).splitlines()
    resources = [json.loads(line) for line in lines]
    assert [r["resourceType"] for r in resources] == ["AuditEvent"] * 3
    assert [r["outcome"] for r in resources] == ["0", "4", "0"]


def test_the_table_has_a_header_and_a_row_for_each_event() -> None:
    rows = list(csv.reader(io.StringIO(b"".join(events_csv(EVENTS)).decode())))
    assert rows[0] == list(CSV_COLUMNS)
    assert [row[0] for row in rows[1:]] == ["0", "1", "2"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "order.enacted", "2026-03-01", "a=b"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert neutral(cell) == cell


def test_the_report_is_a_pdf_and_the_same_for_the_same_input() -> None:
    facts = {"reason": "yearly audit", "tree size": "3"}
    first = report_pdf(facts, EVENTS)
    assert first.startswith(b"%PDF-")
    assert first == report_pdf(facts, EVENTS)
    assert first != report_pdf(facts, EVENTS[:2])


def test_an_empty_export_still_has_a_report() -> None:
    assert report_pdf({"reason": "nothing"}, []).startswith(b"%PDF-")
