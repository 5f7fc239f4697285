"""Rules of pressure, time and adherence: when an increase waits."""

from services.clinical.history import STANDING_FALL_MMHG, STANDING_SYSTOLIC_MMHG
from services.clinical.logic import Condition, Flag
from services.clinical.rule import Direction, Rule
from services.clinical.verdict import FindingKind, Strength
from services.clinical.vocabulary import (
    ON_TREATMENT,
    STAGE_2,
    STANDING_MATTERS,
    STARTS,
    UNSTEADY,
    adherence_percent,
    days_since_change,
    days_since_slow_change,
    lower_diastolic,
    lower_systolic,
    lowest_systolic,
    mean_diastolic,
    mean_systolic,
    standing_drop_diastolic,
    standing_drop_systolic,
    standing_systolic,
    target_diastolic,
    target_systolic,
)

_RAISE, _TITRATE = Direction.RAISE, Direction.TITRATE

FLOOR_DAYS = 14
INTERVAL_DAYS = 28
ADHERENCE_PERCENT = 80


def _hold(
    rule_id: str,
    direction: Direction,
    when: Condition,
    source: str,
    sentence: str,
    strength: Strength = Strength.CLINICIAN,
) -> Rule:
    return Rule(
        rule_id,
        FindingKind.HOLD,
        strength,
        direction,
        when,
        source,
        sentence,
        explains_keep=True,
    )


def _need(
    rule_id: str, missing: str, direction: Direction, when: Condition, source: str, sentence: str
) -> Rule:
    return Rule(
        rule_id,
        FindingKind.NEEDS_DATA,
        Strength.CLINICIAN,
        direction,
        when,
        source,
        sentence,
        missing=(missing,),
        explains_keep=True,
    )


_TARGET_KNOWN = ~target_systolic.unknown & ~target_diastolic.unknown
_IN_TARGET = (mean_systolic < target_systolic) & (mean_diastolic < target_diastolic)
# Source: dead band [D]; TASMINH2's two windows [V].
_CLEARLY_ABOVE = (
    (lower_systolic > target_systolic) | (lower_diastolic > target_diastolic) | Flag("two_windows")
)

DANGER_RULES: tuple[Rule, ...] = (
    _hold("crisis", _RAISE, Flag("crisis_recent"), "AHA25 p3 [S]; >= is stricter [D]",
          "A crisis reading in the last 24 hours: a clinician looks first."),
    _hold("open_alarm", _RAISE, Flag("open_alarm"), "CLINICAL §7.5",
          "An alarm is open."),
    _hold("low", _TITRATE, (mean_systolic < 1100) | (mean_diastolic < 650), "CLINICAL §4 [K]",
          "The home average is low."),
    _hold("recent_low", _RAISE, lowest_systolic < 100, "CLINICAL §4 [K]",
          "A reading under 100 systolic in the last two weeks."),
    _need("need_recent_reading", "readings", _RAISE, lowest_systolic.unknown,
          "CLINICAL: missing is never normal", "No cuff reading in the last two weeks."),
    _hold("unsteady", _RAISE, UNSTEADY, "CLINICAL §4 [K]",
          "Dizziness, a fall or a faint is open."),
    _hold("orthostatic", _RAISE,
          (standing_drop_systolic >= STANDING_FALL_MMHG[0])
          | (standing_drop_diastolic >= STANDING_FALL_MMHG[1])
          | (standing_systolic < STANDING_SYSTOLIC_MMHG), "definition [V]; AHA25 p66 [S]",
          "Pressure falls on standing: look for a cause."),
    _need("need_standing", "standing", _RAISE,
          STANDING_MATTERS & (standing_drop_systolic.unknown | standing_drop_diastolic.unknown
                              | standing_systolic.unknown), "CLINICAL §4 [K]",
          "A standing pressure is needed."),
    _hold("irregular_rhythm", _TITRATE, Flag("irregular_rhythm"), "CLINICAL §4",
          "An irregular rhythm needs a check by hand; automatic readings may be wrong."),
)  # fmt: skip

TIMING_RULES: tuple[Rule, ...] = (
    _hold("too_soon_floor", _TITRATE, days_since_change < FLOOR_DAYS,
          "half-time 0.91 weeks, Lasserson 2011 [S]; 14-day precedent, Widaplik label [V]",
          "Less than 14 days since the last change.", Strength.HARD),
    _hold("too_soon_slow_drug", _TITRATE, days_since_slow_change < INTERVAL_DAYS, "CLINICAL §4 [K]",
          "Less than 28 days since a change of chlorthalidone or an MRA.", Strength.HARD),
    _hold("too_soon", _TITRATE, days_since_change < INTERVAL_DAYS, "AHA25 p56, p59: 1 month [S]",
          "Less than 28 days since the last change."),
    _need("need_readings", "readings", _TITRATE, ~Flag("average_known"),
          "ESH practice [V]; AHA25 p17 [S]", "The home readings make no complete week yet."),
    _need("need_target", "target", _TITRATE, ~_TARGET_KNOWN, "CLINICAL §7.2",
          "No pressure goal has been signed."),
    _hold("in_target", _TITRATE, _IN_TARGET, "CLINICAL §7.2", "The home average is in target."),
    _hold("within_noise", _TITRATE,
          Flag("average_known") & _TARGET_KNOWN & ~_IN_TARGET & ~_CLEARLY_ABOVE,
          "dead band 1.64 SE [D]; two windows, TASMINH2 [V]",
          "Above target by less than the day-to-day variation: watch one more window."),
    _need("need_adherence", "adherence", _TITRATE, ON_TREATMENT & adherence_percent.unknown,
          "CLINICAL: missing is never normal", "It is not known whether the doses are taken."),
    _hold("adherence_talk", _TITRATE, ON_TREATMENT & (adherence_percent < ADHERENCE_PERCENT),
          "PDC >= 0.8, IHME [V]", "Doses are missed: talk about taking them, not about more."),
    Rule("two_starts", FindingKind.REFUSE, Strength.CLINICIAN, _TITRATE,
         (STARTS >= 2) & ~STAGE_2, "AHA25 p36 [S]", "Two drugs at once are for stage 2."),
)  # fmt: skip

PRESSURE_RULES: tuple[Rule, ...] = DANGER_RULES + TIMING_RULES
