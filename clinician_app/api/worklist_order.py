"""The order of the work-list, pure: red flags, overdue, proposals, no data, the rest.

Inside a tier by deadline, then by risk, then by id, so that the same facts give the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Protocol, TypeVar

# Older than this, the pressures say little about today; the patient is asked for readings.
# Source: CLINICAL §4, a window older than 14 d holds; a clinic looks after days of silence [D].
SILENT_AFTER = timedelta(days=3)


class Tier(IntEnum):
    """Lower comes first."""

    RED_FLAG = 0
    OVERDUE = 1
    PROPOSAL = 2
    NO_DATA = 3
    STEADY = 4

    @property
    def code(self) -> str:
        """The name on the wire."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Standing:
    """What places one patient in the list. `risk` is higher for worse."""

    red_flag: bool
    due_at: datetime | None
    has_proposal: bool
    last_reading_at: datetime | None
    risk: int


class _Row(Protocol):
    @property
    def patient_id(self) -> str: ...

    @property
    def standing(self) -> Standing: ...


R = TypeVar("R", bound=_Row)


def tier(standing: Standing, now: datetime) -> Tier:
    """Return the first tier that applies."""
    if standing.red_flag:
        return Tier.RED_FLAG
    if standing.due_at is not None and standing.due_at <= now:
        return Tier.OVERDUE
    if standing.has_proposal:
        return Tier.PROPOSAL
    if standing.last_reading_at is None or now - standing.last_reading_at > SILENT_AFTER:
        return Tier.NO_DATA
    return Tier.STEADY


def in_order(rows: Sequence[R], now: datetime) -> list[R]:
    """Return the rows in the order of the work-list."""
    never = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(
        rows,
        key=lambda row: (
            tier(row.standing, now),
            row.standing.due_at or never,
            -row.standing.risk,
            row.patient_id,
        ),
    )


def risk_points(
    *, systolic_mmhg: int | None, target_below_mmhg: int | None, age: int | None
) -> int:
    """Return mmHg away from the goal, plus one point per ten years of age.

    It orders equals only and decides nothing; an unknown pressure counts as far from the goal.
    """
    goal = target_below_mmhg if target_below_mmhg is not None else 130
    away = 40 if systolic_mmhg is None else abs(systolic_mmhg - (goal - 5))
    return away + (age or 0) // 10
