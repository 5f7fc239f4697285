"""The patient's own clock: what hour it was where they were."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.clinical.readings import BloodPressure

# A phone says its own offset with each cuff reading; past this it may have travelled. [D]
OFFSET_HOLDS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PatientClock:
    """The offset of the last cuff reading where that is fresh, else the zone of the enrolment.

    Windows come without an offset. readings: oldest first.
    """

    readings: Sequence[BloodPressure]
    zone: ZoneInfo

    def local(self, at: datetime) -> datetime:
        """Return a moment on the patient's clock, naive: for its hour and its day only."""
        place = bisect_right(self.readings, at, key=lambda reading: reading.taken_at) - 1
        if place >= 0 and at - self.readings[place].taken_at <= OFFSET_HOLDS:
            offset = timedelta(minutes=self.readings[place].utc_offset_minutes)
            return (at + offset).replace(tzinfo=None)
        return at.astimezone(self.zone).replace(tzinfo=None)

    def local_hour(self, at: datetime) -> float:
        """Return the hour with its fraction, from 0 up to but not including 24."""
        local = self.local(at)
        return local.hour + local.minute / 60 + local.second / 3600
