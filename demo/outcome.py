"""What happened, counted from the audited log and from what the doors answered; never assumed."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from demo.backfill import Patient
from demo.wire import Json

# A step was put before somebody: the patient or a clinician.
_PROPOSED: Final = frozenset({"ask", "advise"})
_HELD: Final = frozenset({"hold", "needs_data", "refuse"})
_WORDS: Final[dict[str, str]] = {
    "accept": "accepted",
    "modify": "modified",
    "reject": "rejected",
    "defer": "deferred",
}


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One leaf of the log: pseudonyms and codes only."""

    action: str
    occurred_at: datetime
    patient: str | None
    outcome: str
    details: dict[str, object]


def read_log(bundle: Path, *, since: datetime) -> tuple[LogEvent, ...]:
    """Return the exported events from `since` on, oldest first."""
    events = []
    for line in (bundle / "events.ndjson").read_text(encoding="ascii").splitlines():
        leaf = json.loads(base64.b64decode(json.loads(line)["leaf"]))
        event = LogEvent(
            action=leaf["action"],
            occurred_at=datetime.fromisoformat(leaf["occurred_at"]),
            patient=leaf["patient_pseudonym"],
            outcome=leaf["outcome"],
            details=leaf["details"],
        )
        if event.occurred_at >= since:
            events.append(event)
    return tuple(events)


def tree_size(bundle: Path) -> int:
    """Return how many leaves the exported log has."""
    size: int = json.loads((bundle / "manifest.json").read_bytes())["tree_size"]
    return size


def summary(
    patients: Sequence[Patient],
    events: Sequence[LogEvent],
    *,
    waiting: int,
    leaves: int,
    verified: bool,
    seconds: int,
) -> Json:
    """Return the summary of one run. `waiting`: reviews that are open for the visitor."""
    acts = Counter(event.action for event in events if event.outcome == "success")
    made = [event for event in events if event.action == "assessment.made"]
    decided = Counter(_decision(e) for e in events if e.action == "review.decided")
    return {
        "patients": len(patients),
        "readings": sum(p.phone.uploaded.of("readings") for p in patients),
        "windows": sum(p.phone.uploaded.of("windows") for p in patients),
        "proposals": sum(event.details.get("verdict") in _PROPOSED for event in made),
        "advised": acts["advice.offered"],
        "enacted": acts["order.enacted"],
        "reviews": dict(sorted(decided.items())) | {"waiting": waiting},
        "alarms": acts["alarm.raised"],
        "holds": holds(made),
        "audit": {"leaves": leaves, "verified": verified},
        "seconds": seconds,
        "goals_agreed": acts["goal.agreed"],
        "visits_planned": acts["visit.planned"],
        "assessments": len(made),
        "duplicates": sum(p.phone.uploaded.of("readings", "duplicate") for p in patients),
    }


def holds(made: Iterable[LogEvent]) -> dict[str, int]:
    """Return, by binding rule, for how many patients the last assessment held."""
    last: dict[str | None, LogEvent] = {}
    for event in made:
        last[event.patient] = event
    found = Counter(
        str(event.details.get("rule"))
        for event in last.values()
        if event.details.get("verdict") in _HELD
    )
    return dict(sorted(found.items()))


def _decision(event: LogEvent) -> str:
    kind = str(event.details.get("decision"))
    return _WORDS.get(kind, kind)
