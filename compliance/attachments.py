"""What is attached to an audit export beside the leaves: FHIR, a table, a report. All derived.

Nothing here is needed to verify the bundle; everything here is hashed by its manifest.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.audit.actions import Action
from services.audit.event import AuditEvent, Outcome
from services.fhir.audit_event import audit_event
from services.fhir.resource import to_bytes

CSV_COLUMNS: Final = (
    *("index", "occurred_at", "action", "actor_kind", "actor", "patient"),
    *("subject_type", "subject_id", "outcome", "details"),
)
# A spreadsheet runs a cell that begins with one of these as a formula.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
# What an accounting of disclosures lists. Source: 45 CFR 164.528.
DISCLOSURES: Final = frozenset({Action.AUDIT_EXPORTED, Action.DATA_EXPORTED})


@dataclass(frozen=True, slots=True)
class IndexedEvent:
    """An event with its place in the log."""

    index: int
    event: AuditEvent


def audit_events_ndjson(events: Iterable[IndexedEvent]) -> Iterator[bytes]:
    """Yield one FHIR AuditEvent a line, in log order."""
    for item in events:
        yield to_bytes(audit_event(item.event)) + b"\n"


def events_csv(events: Iterable[IndexedEvent]) -> Iterator[bytes]:
    """Yield the table, header first, cells neutralised."""
    yield _line(CSV_COLUMNS)
    for item in events:
        event = item.event
        details = ";".join(f"{key}={value}" for key, value in event.details)
        yield _line(
            (
                str(item.index),
                event.occurred_at.isoformat(),
                event.action.value,
                event.actor_kind.value,
                event.actor_pseudonym,
                event.patient_pseudonym or "",
                event.subject_type,
                event.subject_id,
                event.outcome.value,
                details,
            )
        )


def report_pdf(facts: Mapping[str, str], events: Iterable[IndexedEvent]) -> bytes:
    """Return the report: what was asked for, acts by outcome, refusals, disclosures.

    The same input gives the same bytes: no clock, no random document id.
    """
    shown = list(events)
    styles = getSampleStyleSheet()
    story: list[Flowable] = [Paragraph("Audit export", styles["Title"])]
    story += [_table([[name, value] for name, value in facts.items()]), Spacer(1, 12)]
    for title, rows in (
        ("Acts by kind and outcome", _acts(shown)),
        ("Refusals and failures", _refusals(shown)),
        ("Disclosures", _disclosures(shown)),
    ):
        story += [Paragraph(title, styles["Heading2"]), _table(rows), Spacer(1, 12)]
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=A4, title="Audit export", invariant=1).build(story)
    return buffer.getvalue()


def _acts(events: list[IndexedEvent]) -> list[list[str]]:
    counted = Counter((item.event.action.value, item.event.outcome.value) for item in events)
    rows = [[action, outcome, str(count)] for (action, outcome), count in sorted(counted.items())]
    return [["act", "outcome", "count"], *rows]


def _refusals(events: list[IndexedEvent]) -> list[list[str]]:
    refused = [item for item in events if item.event.outcome is not Outcome.SUCCESS]
    rows = [
        [str(i.index), i.event.occurred_at.isoformat(), i.event.action.value, i.event.outcome.value]
        for i in refused
    ]
    return [["leaf", "at", "act", "outcome"], *rows]


def _disclosures(events: list[IndexedEvent]) -> list[list[str]]:
    rows = [
        [str(i.index), i.event.occurred_at.isoformat(), i.event.action.value]
        for i in events
        if i.event.action in DISCLOSURES
    ]
    return [["leaf", "at", "act"], *rows]


def _table(rows: list[list[str]]) -> Table:
    table = Table(rows or [["none"]], hAlign="LEFT", repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONTSIZE", (0, 0), (-1, -1), 8),
                ("GRID", (0, 0), (-1, -1), 0.25, "#D5DDE5"),
                ("BACKGROUND", (0, 0), (-1, 0), "#E8EEF4"),
            ]
        )
    )
    return table


def _line(cells: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([neutral(cell) for cell in cells])
    return buffer.getvalue().encode()


def neutral(cell: str) -> str:
    """Return the cell so that a spreadsheet shows it and never runs it."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
