"""One consenting patient's record, as whoever makes de-identified research lines of it is given it.

Only the exporter reads the record and only the models know their features: this passes between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from services.clinical.assessment import Assessment
from services.clinical.patient import DoseChangeRecord, Snapshot
from services.clinical.readings import BloodPressure


@dataclass(frozen=True, slots=True)
class DecidedReview:
    """What a clinician decided on an assessment. `reason_code` is from a closed list, or None."""

    snapshot: Snapshot
    assessment: Assessment
    kind: Literal["accept", "modify", "reject", "defer"]
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """Snapshots as they were judged, oldest first, at most one a week; all readings and changes."""

    snapshots: tuple[Snapshot, ...]
    readings: tuple[BloodPressure, ...]
    changes: tuple[DoseChangeRecord, ...]
    decided: tuple[DecidedReview, ...]


class Lines(Protocol):
    """Makes a research file: numbers and codes only, no identifier, no date, no free text."""

    def header(self) -> Mapping[str, object]:
        """Return the first line."""
        ...

    def of(self, record: PatientRecord) -> Mapping[str, object] | None:
        """Return one patient's line without its subject id, or None when there is nothing."""
        ...
