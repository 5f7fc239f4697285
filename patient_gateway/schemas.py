"""The bodies that phones send: one model an item, units and offsets required."""

from typing import Annotated, Literal, Self

from pydantic import FailFast, Field, StringConstraints, model_validator

from patient_gateway.wire import (
    ClientId,
    FreeText,
    Instant,
    Label,
    MmhgUnit,
    Wire,
    code_of,
    refusal,
    unit_of,
)
from services.clinical.formulary import Drug
from services.clinical.patient import ConsentPurpose, Symptom
from services.clinical.readings import (
    DIASTOLIC_RANGE_MMHG,
    PULSE_RANGE_BPM,
    SYSTOLIC_RANGE_MMHG,
    Posture,
    ReadingSource,
)
from services.clinical.units import Micrograms, UnreadableDose, parse_dose
from services.problems import ProblemCode
from services.signals.window import RATE_RANGE_HZ, Kind

_GRAMS = (20_000, 400_000)
MAX_SAMPLES = 200_000
# UCUM; "1" is a sensor's own counts.
_UNITS: dict[Kind, tuple[str, ...]] = {
    "ppg": ("1", "mV", "nA"),
    "ecg": ("mV", "uV"),
    "accelerometer": ("g", "m/s2"),
}


class ReadingItem(Wire):
    """One cuff reading, as the monitor showed it."""

    client_id: ClientId
    systolic: int
    diastolic: int
    unit: MmhgUnit
    pulse: int | None = None
    taken_at: Instant
    posture: Annotated[Posture, code_of(Posture)] = Posture.SITTING
    irregular_pulse: bool | None = None
    source: Annotated[ReadingSource, code_of(ReadingSource)] = ReadingSource.DEVICE

    @model_validator(mode="after")
    def _can_be_a_blood_pressure(self) -> Self:
        checks = (
            (self.systolic, SYSTOLIC_RANGE_MMHG, "systolic"),
            (self.diastolic, DIASTOLIC_RANGE_MMHG, "diastolic"),
            (self.pulse, PULSE_RANGE_BPM, "pulse"),
        )
        for value, (low, high), name in checks:
            if value is not None and not low <= value <= high:
                raise refusal(ProblemCode.IMPOSSIBLE_READING, f"{name} from {low} to {high}")
        if self.diastolic >= self.systolic:
            raise refusal(ProblemCode.IMPOSSIBLE_READING, "diastolic below systolic")
        return self


class DoseItem(Wire):
    """One intake, taken or missed."""

    client_id: ClientId
    drug: Annotated[Drug, code_of(Drug)]
    intake_dose: Annotated[str, StringConstraints(max_length=32)]
    taken: bool
    taken_at: Instant

    @property
    def intake_dose_ug(self) -> Micrograms:
        """The dose in whole micrograms."""
        return parse_dose(self.intake_dose)

    @model_validator(mode="after")
    def _dose_is_readable(self) -> Self:
        try:
            dose_ug = parse_dose(self.intake_dose)
        except UnreadableDose as err:
            raise refusal(ProblemCode.UNREADABLE_DOSE, "a dose such as 5 mg") from err
        if dose_ug == 0:
            raise refusal(ProblemCode.UNREADABLE_DOSE, "a dose above 0; say taken: false instead")
        return self


class SymptomItem(Wire):
    """One symptom, begun or ended."""

    client_id: ClientId
    symptom: Annotated[Symptom, code_of(Symptom)]
    reported_at: Instant
    open: bool


class WeightItem(Wire):
    """Body weight."""

    client_id: ClientId
    weight: Annotated[float, Field(gt=0)]
    unit: Annotated[Literal["kg", "g"], unit_of("kg", "g")]
    taken_at: Instant

    @property
    def grams(self) -> int:
        """The weight in whole grams."""
        return round(self.weight * 1000) if self.unit == "kg" else round(self.weight)

    @model_validator(mode="after")
    def _can_be_a_weight(self) -> Self:
        if not _GRAMS[0] <= self.grams <= _GRAMS[1]:
            raise refusal(ProblemCode.INVALID_INPUT, "a weight from 20 to 400 kg")
        return self


class WindowItem(Wire):
    """A stretch of one wearable signal. null in `samples` is a gap, never a zero."""

    client_id: ClientId
    kind: Kind
    rate_hz: Annotated[float, Field(gt=0)]
    unit: Annotated[str, StringConstraints(max_length=16)]
    started_at: Instant
    clock_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
    samples: Annotated[list[float | None], Field(max_length=MAX_SAMPLES), FailFast()]
    baseline_kept: bool = False
    """The PPG still carries its constant part; without it there is no perfusion index."""

    @model_validator(mode="after")
    def _can_be_a_signal(self) -> Self:
        low, high = RATE_RANGE_HZ
        if not low <= self.rate_hz <= high:
            raise refusal(ProblemCode.RATE_OUT_OF_RANGE, f"a rate from {low:g} to {high:g} Hz")
        if self.unit not in _UNITS[self.kind]:
            expected = " or ".join(_UNITS[self.kind])
            raise refusal(ProblemCode.WRONG_UNIT, f"{self.kind} in {expected}")
        if all(sample is None for sample in self.samples):
            raise refusal(ProblemCode.EMPTY_WINDOW, "at least one sample")
        return self


class DeviceDescription(Wire):
    """The patient's cuff and phone; what is not known is left out and stays unknown."""

    model: Label
    firmware: Label | None = None
    validated: bool | None = None
    cuff_fits: bool | None = None


class EnrolmentRequest(Wire):
    """A device presents the code that the clinic gave its owner."""

    enrolment_code: Annotated[str, StringConstraints(min_length=8, max_length=32)]
    device: DeviceDescription
    upload_only: bool = False
    """A cuff or watch on its own: it may upload and nothing else."""


class RefreshRequest(Wire):
    """The refresh token that is to be changed for a new pair."""

    refresh_token: Annotated[str, StringConstraints(min_length=16, max_length=128)]


class ConsentRequest(Wire):
    """Every purpose that the patient agrees to from now on; what is left out is withdrawn."""

    purposes: Annotated[
        list[Annotated[ConsentPurpose, code_of(ConsentPurpose)]], Field(max_length=10)
    ]


class AdviceAnswerRequest(Wire):
    """The patient's answer to one step."""

    answer: Literal["accept", "decline"]
    reason: FreeText | None = None


class GoalRequest(Wire):
    """A goal in the patient's own words."""

    text: FreeText


class GoalAnswerRequest(Wire):
    """Agreeing to, or declining, a goal that the other side proposed."""

    answer: Literal["agree", "decline"]


class MessageRequest(Wire):
    """A question or an answer to the care team."""

    text: FreeText


class HaltRequest(Wire):
    """Why the patient stops the recommendations; no reason is needed."""

    reason: FreeText | None = None
