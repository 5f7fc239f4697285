"""Who plays what: a table of people over vendored records, and why each is there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from demo.physiology import Level
from services.clinical.envelope import Stage
from services.clinical.formulary import Drug
from services.clinical.patient import Lab, Pregnancy


class Story(StrEnum):
    """What happens to a person while the phones play."""

    STEP_ALONE = "step_alone"
    """Above goal inside a signed plan: a step is advised and accepted."""
    DECLINES = "declines"
    """As above, but the patient says no: the clinician hears of it."""
    ACCEPTED = "accepted"
    MODIFIED = "modified"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    WAITING = "waiting"
    """A review is left open for the visitor."""
    CONTROLLED = "controlled"
    NOISE = "noise"
    """Above goal by less than the scatter: one more window."""
    NOT_TAKING = "not_taking"
    NO_LABS = "no_labs"
    CRISIS = "crisis"
    LOW = "low"
    STANDING_FALL = "standing_fall"
    OFFLINE = "offline"
    """The phone had no network for a week, uploads all at once, and again."""
    NO_CONSENT = "no_consent"
    SYMPTOM = "symptom"
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class Regimen:
    """One drug as the patient tells the clinician who reconciles the record."""

    drug: Drug
    daily_dose: str
    tablets_in_hand: int | None


_GOOD_LABS: Final[tuple[tuple[Lab, str], ...]] = (
    (Lab.POTASSIUM, "4.2"),
    (Lab.SODIUM, "139"),
    (Lab.CREATININE, "0.9"),
    (Lab.EGFR, "84"),
)


@dataclass(frozen=True, slots=True)
class Persona:
    """One person of the demo. `record` names a vendored bundle; `plan` None: no signed envelope.

    `taken_percent`: share of the doses that the patient confirms as taken.
    """

    record: str
    story: Story
    level: Level
    regimen: tuple[Regimen, ...]
    plan: Stage | None
    labs: tuple[tuple[Lab, str], ...] = _GOOD_LABS
    taken_percent: int = 96
    standing_fall_mmhg: int = 3
    pregnancy: Pregnancy = Pregnancy.NOT_APPLICABLE


def _hctz(daily: str, tablets: int | None = 120) -> tuple[Regimen, ...]:
    return (Regimen(Drug.HYDROCHLOROTHIAZIDE, daily, tablets),)


def _lisinopril_hctz() -> tuple[Regimen, ...]:
    return Regimen(Drug.LISINOPRIL, "10 mg", 120), Regimen(Drug.HYDROCHLOROTHIAZIDE, "25 mg", 90)


_TRIPLE: Final = (
    Regimen(Drug.OLMESARTAN, "20 mg", 60),
    Regimen(Drug.HYDROCHLOROTHIAZIDE, "12.5 mg", 60),
    Regimen(Drug.AMLODIPINE, "5 mg", 60),
)
# The fourth is not in the record: another doctor's, as the patient says at the reconciliation.
_FOUR: Final = (
    Regimen(Drug.OLMESARTAN, "40 mg", 60),
    Regimen(Drug.HYDROCHLOROTHIAZIDE, "25 mg", 60),
    Regimen(Drug.AMLODIPINE, "10 mg", 60),
    Regimen(Drug.BISOPROLOL, "10 mg", 60),
)
_HIGH: Final = Level(147, 90, 72)
_VERY_HIGH: Final = Level(152, 93, 74)
_GOAL: Final = Level(121, 73, 68)
_NOT_PREGNANT: Final = Pregnancy.NOT_PREGNANT

# Ordered so that the first few already show every channel.
PERSONAS: Final[tuple[Persona, ...]] = (
    Persona("htn-044", Story.STEP_ALONE, _HIGH, (Regimen(Drug.AMLODIPINE, "2.5 mg", 120),),
            Stage.BOUNDED_STEPS),
    Persona("htn-040", Story.ACCEPTED, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-029", Story.CRISIS, _VERY_HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-031", Story.WAITING, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-010", Story.LOW, Level(104, 63, 66), _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-055", Story.NOT_TAKING, _HIGH, _hctz("25 mg"), Stage.BOUNDED_STEPS,
            taken_percent=54, pregnancy=_NOT_PREGNANT),
    # Four drugs at their top: whatever is left to try needs a potassium first.
    Persona("htn-016", Story.NO_LABS, _VERY_HIGH, _FOUR, Stage.PROPOSE_ONLY,
            labs=(), pregnancy=_NOT_PREGNANT),
    Persona("htn-057", Story.REJECTED, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-004", Story.OFFLINE, _HIGH, _TRIPLE, Stage.PROPOSE_ONLY),
    Persona("htn-021", Story.NO_CONSENT, _HIGH, _hctz("25 mg"), None,
            pregnancy=_NOT_PREGNANT),
    Persona("htn-020", Story.MODIFIED, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-025", Story.DEFERRED, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-054", Story.DECLINES, _HIGH, _lisinopril_hctz(), Stage.BOUNDED_STEPS),
    Persona("htn-036", Story.WAITING, _HIGH, _hctz("12.5 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-024", Story.CONTROLLED, _GOAL, _hctz("25 mg"), Stage.BOUNDED_STEPS,
            pregnancy=_NOT_PREGNANT),
    Persona("htn-038", Story.STANDING_FALL, _HIGH, _TRIPLE, Stage.PROPOSE_ONLY,
            standing_fall_mmhg=26),
    Persona("htn-013", Story.STEP_ALONE, _HIGH, _lisinopril_hctz(), Stage.BOUNDED_STEPS),
    Persona("htn-053", Story.NOISE, Level(129, 78, 70), _hctz("12.5 mg"), Stage.BOUNDED_STEPS,
            pregnancy=_NOT_PREGNANT),
    Persona("htn-059", Story.SYMPTOM, _HIGH, _hctz("12.5 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-028", Story.WAITING, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-039", Story.ACCEPTED, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-051", Story.CONTROLLED, Level(126, 76, 68), _hctz("12.5 mg"),
            Stage.BOUNDED_STEPS),
    Persona("htn-026", Story.STEP_ALONE, _HIGH,
            (Regimen(Drug.AMLODIPINE, "2.5 mg", 120),
             Regimen(Drug.HYDROCHLOROTHIAZIDE, "25 mg", 90)), Stage.BOUNDED_STEPS,
            pregnancy=_NOT_PREGNANT),
    Persona("htn-033", Story.IRREGULAR, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-056", Story.WAITING, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY,
            pregnancy=_NOT_PREGNANT),
    Persona("htn-048", Story.WAITING, _HIGH, _hctz("25 mg"), Stage.PROPOSE_ONLY),
    Persona("htn-049", Story.CONTROLLED, Level(126, 77, 68),
            (Regimen(Drug.CHLORTHALIDONE, "25 mg", 60),), Stage.PROPOSE_ONLY),
    Persona("htn-006", Story.WAITING, _HIGH, _hctz("12.5 mg"), Stage.PROPOSE_ONLY),
)  # fmt: skip

# The record of somebody who has died: the gateway refuses it.
DECEASED: Final = "htn-007"


def cast(count: int) -> tuple[Persona, ...]:
    """Return the first `count` people. Raises ValueError beyond the vendored records."""
    if not 1 <= count <= len(PERSONAS):
        raise ValueError(f"--patients takes 1 to {len(PERSONAS)}")
    return PERSONAS[:count]
