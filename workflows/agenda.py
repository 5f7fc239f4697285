"""Agenda: what a loop has to do when, so that one timer to the earliest suffices. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DueKind(StrEnum):
    """Everything that a loop does because time has passed."""

    ASSESS = "assess"
    READINGS_REMINDER = "readings_reminder"
    SILENT = "silent"
    ADVICE_REMINDER = "advice_reminder"
    ADVICE_EXPIRY = "advice_expiry"
    CLINICIAN_LOOKS_AT_STEP = "clinician_looks_at_step"
    SYMPTOM_CHECK = "symptom_check"
    LABS_DUE = "labs_due"
    NEXT_WINDOW = "next_window"
    GOAL_REMINDER = "goal_reminder"
    GOAL_LAPSE = "goal_lapse"
    ENVELOPE_RENEWAL = "envelope_renewal"
    ENVELOPE_LAST_CALL = "envelope_last_call"
    VISIT_REMINDER = "visit_reminder"
    VISIT = "visit"
    LOOK_AGAIN = "look_again"


@dataclass(frozen=True, slots=True)
class Due:
    """One entry: what, when, and the id that it is about ("" when it is about the patient)."""

    kind: DueKind
    at: datetime
    about: str = ""


class Agenda:
    """Entries by (kind, about): setting one again replaces it."""

    def __init__(self, entries: Iterable[Due] = ()) -> None:
        self._entries = {(due.kind, due.about): due for due in entries}

    def put(self, kind: DueKind, at: datetime, about: str = "") -> None:
        """Set or replace one entry."""
        self._entries[(kind, about)] = Due(kind, at, about)

    def drop(self, kind: DueKind, about: str = "") -> None:
        """Remove one entry, if it is there."""
        self._entries.pop((kind, about), None)

    def drop_about(self, about: str) -> None:
        """Remove every entry about one id."""
        for key in [key for key in self._entries if key[1] == about]:
            del self._entries[key]

    def holds(self, kind: DueKind, about: str = "") -> bool:
        """Whether such an entry is set."""
        return (kind, about) in self._entries

    def next_at(self) -> datetime | None:
        """When the earliest entry is due; None when there is none."""
        return min((due.at for due in self._entries.values()), default=None)

    def take_due(self, now: datetime) -> tuple[Due, ...]:
        """Remove and return the entries with `at` <= now, earliest first."""
        due = tuple(entry for entry in self.entries() if entry.at <= now)
        for entry in due:
            del self._entries[(entry.kind, entry.about)]
        return due

    def entries(self) -> tuple[Due, ...]:
        """Every entry, earliest first, in an order that does not depend on insertion."""
        return tuple(sorted(self._entries.values(), key=lambda d: (d.at, d.kind.value, d.about)))
