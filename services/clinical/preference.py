"""Which kind of move comes first: by where the home mean lies, and by who the patient is."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.clinical.averaging import SufficientAverage
from services.clinical.history import falls_on_standing
from services.clinical.moves import STAGE_2_HOME_TENTHS, MoveKind
from services.clinical.patient import Condition, Snapshot, Target
from services.clinical.regimen import OLD_AGE_YEARS, age_years

OVER_TREATED_TENTHS = (1100, 650)

# Order of preference by kind of move when the pressure is above goal, in thousandths: adding a
# class gives about 4.5 times what doubling a dose gives. Source: Wald 2009, 0.22 [V].
_UP: Mapping[MoveKind, int] = MappingProxyType(
    {
        MoveKind.START: 700,
        MoveKind.STEP_UP: 500,
        MoveKind.ADD_AND_STEP_UP: 450,
        MoveKind.START_TWO: 400,
        MoveKind.STEP_UP_TWO: 350,
        MoveKind.SWAP: 300,
        MoveKind.KEEP: 250,
        MoveKind.RESUME: 240,
        MoveKind.STEP_DOWN: 100,
        MoveKind.PAUSE: 50,
        MoveKind.STOP: 0,
    }
)
# Stage 2 asks for two agents. Who takes none starts two. Who takes one or more adds a class at a
# low rung and steps up what is taken: a class alone gives some 8 mmHg, less than stage 2 lacks, and
# with the step up it is still two rungs. Two new classes at once would make three drugs of one,
# which no guideline asks for, so it stays behind a single start; so does doubling alone.
# Source: AHA25 p36, two first-line classes at stage 2 [S]; HEARTS ladder 40/5 -> 80/10 -> + C [K];
# class before doubling, Wald 2009 [V]; expected falls, Law [V].
_UP_UNTREATED_STAGE_2: Mapping[MoveKind, int] = MappingProxyType({**_UP, MoveKind.START_TWO: 800})
_UP_TREATED_STAGE_2: Mapping[MoveKind, int] = MappingProxyType(
    {**_UP, MoveKind.ADD_AND_STEP_UP: 800}
)
_DOWN: Mapping[MoveKind, int] = MappingProxyType(
    {
        MoveKind.STEP_DOWN: 700,
        MoveKind.STOP: 600,
        MoveKind.PAUSE: 500,
        MoveKind.KEEP: 400,
        MoveKind.SWAP: 300,
        MoveKind.RESUME: 200,
        MoveKind.STEP_UP: 100,
        MoveKind.START: 90,
        MoveKind.STEP_UP_TWO: 80,
        MoveKind.ADD_AND_STEP_UP: 70,
        MoveKind.START_TWO: 60,
    }
)
_STEADY: Mapping[MoveKind, int] = MappingProxyType({**_DOWN, MoveKind.KEEP: 900})


def preference(
    mean: SufficientAverage | None, target: Target, snapshot: Snapshot, *, two_at_once: bool
) -> tuple[Mapping[MoveKind, int], str]:
    """Return points by kind of move, in thousandths, and the reason's name.

    `two_at_once`: at stage 2 this patient may be given two rungs in one step.
    """
    if mean is None:
        return _STEADY, "no_average"
    low_systolic, low_diastolic = OVER_TREATED_TENTHS
    if mean.systolic_tenths < low_systolic or mean.diastolic_tenths < low_diastolic:
        return _DOWN, "over_treated"
    above = (
        mean.systolic_tenths >= 10 * target.systolic_below_mmhg
        or mean.diastolic_tenths >= 10 * target.diastolic_below_mmhg
    )
    if not above:
        return _STEADY, "in_target"
    systolic, diastolic = STAGE_2_HOME_TENTHS
    if mean.systolic_tenths < systolic and mean.diastolic_tenths < diastolic:
        return _UP, "above_target"
    if not two_at_once:
        return _UP, "stage_2"
    return (_UP_TREATED_STAGE_2 if snapshot.regimen else _UP_UNTREATED_STAGE_2), "stage_2"


def bears_two_at_once(snapshot: Snapshot, now: datetime) -> bool:
    """Say whether two rungs in one step are for this patient at all.

    One at a time for the frail, from 80 years on, and for whom the pressure falls on standing; an
    age that is not known counts as old. A standing pressure that is missing where it is wanted
    holds every increase in the guard.
    Source: ESC 2024, one drug from 85 years, in frailty and orthostatic hypotension [K]; 80 years
    is the age of the low starts and the stricter reading [D].
    """
    old = snapshot.birth_date is None or age_years(snapshot.birth_date, now.date()) >= OLD_AGE_YEARS
    frail = Condition.FRAILTY in snapshot.conditions
    return not (old or frail or falls_on_standing(snapshot.readings, now))
