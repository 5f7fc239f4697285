"""What was measured: a cuff reading and a wearable's estimate are different types on purpose."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.clinical.units import Mmhg


class Posture(StrEnum):
    """How the patient sat or stood; averages use sitting readings only."""

    SITTING = "sitting"
    STANDING_1_MIN = "standing_1_min"
    STANDING_3_MIN = "standing_3_min"
    LYING = "lying"


class ReadingSource(StrEnum):
    """Where the number comes from. Typed readings match the monitor in 86 % of cases only.

    Source: TASMIN-SR fidelity, 85.9 % of 11,684 submitted readings matched [V].
    """

    DEVICE = "device"
    TYPED = "typed"


class ImpossibleReading(ValueError):
    """The numbers cannot be a blood pressure. Ask for the reading again."""


# Outside these a monitor shows an error or the figures were swapped or mistyped.
# Source: measuring range of validated oscillometric home monitors (ISO 81060-2 devices) [K].
SYSTOLIC_RANGE_MMHG = (50, 300)
DIASTOLIC_RANGE_MMHG = (20, 200)
PULSE_RANGE_BPM = (20, 250)


# A phone's clock may run ahead by minutes: a reading dated up to this long after now is of now for
# all that warns or holds. It enters an average once its moment has come. [D]
CLOCK_AHEAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class BloodPressure:
    """One cuff reading.

    `taken_at` is aware UTC; `utc_offset_minutes` is the patient's own offset at that moment, so
    that morning and evening are the patient's. None means "not known", never "fine".

    Raises:
        ImpossibleReading: out of the monitor's range, or diastolic not below systolic.
    """

    reading_id: str
    systolic_mmhg: Mmhg
    diastolic_mmhg: Mmhg
    pulse_bpm: int | None
    taken_at: datetime
    utc_offset_minutes: int
    received_at: datetime
    posture: Posture = Posture.SITTING
    source: ReadingSource = ReadingSource.DEVICE
    device_validated: bool | None = None
    cuff_fits: bool | None = None
    irregular_pulse: bool | None = None
    history: bool = False
    """Loaded as history at enrolment: it never pages anyone."""
    device_id: str | None = None
    """Opaque id of the monitor, so that a change of monitor is seen."""

    def __post_init__(self) -> None:
        _require_within(self.systolic_mmhg, SYSTOLIC_RANGE_MMHG, "systolic")
        _require_within(self.diastolic_mmhg, DIASTOLIC_RANGE_MMHG, "diastolic")
        if self.pulse_bpm is not None:
            _require_within(self.pulse_bpm, PULSE_RANGE_BPM, "pulse")
        if self.diastolic_mmhg >= self.systolic_mmhg:
            raise ImpossibleReading("diastolic must be below systolic")

    @property
    def taken_local(self) -> datetime:
        """The moment on the patient's own clock, naive: for the hour and the calendar day only."""
        return (self.taken_at + timedelta(minutes=self.utc_offset_minutes)).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class PressureEstimate:
    """A wearable's estimate with its uncertainty. It may ask for a cuff reading, no more."""

    systolic_mmhg: float
    systolic_sigma_mmhg: float
    diastolic_mmhg: float
    diastolic_sigma_mmhg: float
    estimated_at: datetime
    calibrated_at: datetime


def _require_within(value: int, bounds: tuple[int, int], name: str) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise ImpossibleReading(f"{name} {value} is outside {low}-{high}")
