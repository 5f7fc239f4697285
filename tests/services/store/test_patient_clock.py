"""The patient's clock: the phone's own word where it is fresh, else the zone of the enrolment."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.clinical.readings import BloodPressure
from services.clinical.units import Mmhg
from services.store.patient_clock import OFFSET_HOLDS, PatientClock

AT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def reading(at: datetime, offset_minutes: int) -> BloodPressure:
    return BloodPressure("r", Mmhg(130), Mmhg(80), None, at, offset_minutes, at)


def test_without_a_reading_the_zone_of_the_enrolment_counts_with_its_summer_time() -> None:
    assert PatientClock((), BERLIN).local_hour(AT) == 0.5
    assert PatientClock((), BERLIN).local_hour(AT.replace(month=1)) == 23.5


def test_the_last_reading_before_a_moment_says_where_the_patient_was() -> None:
    hour = timedelta(hours=1)
    travelled = (reading(AT - 3 * hour, 120), reading(AT - hour, -300), reading(AT + hour, 540))
    assert PatientClock(travelled, BERLIN).local(AT) == (AT - 5 * hour).replace(tzinfo=None)
    assert PatientClock(travelled, BERLIN).local_hour(AT - 2 * hour) == 22.5


def test_an_old_reading_says_nothing_of_today() -> None:
    old = (reading(AT - OFFSET_HOLDS, -300), reading(AT, 540))
    assert PatientClock(old[:1], BERLIN).local_hour(AT) == 17.5
    assert PatientClock(old[:1], BERLIN).local_hour(AT + timedelta(seconds=1)) != 17.5
    assert PatientClock(old, BERLIN).local_hour(AT - timedelta(days=30)) == 0.5
