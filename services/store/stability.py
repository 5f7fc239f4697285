"""How steady the home pressures are: what the time of the next visit rests on. Pure."""

from statistics import stdev

from services.clinical.averaging import SufficientAverage, average
from services.clinical.patient import Snapshot
from services.clinical.regimen import last_change_at
from services.loop_results import Stability

# Within-person day-to-day SD of the home systolic pressure is 8.6 +- 3.1 mmHg; above mean + 2 SD
# a person varies more than 97 % do. Source: Ohasama [V]; the limit [D].
VOLATILE_DAY_SD_TENTHS = 148
_FEWEST_DAYS = 3


def stability(snapshot: Snapshot) -> Stability:
    """Return VOLATILE with an open alarm or widely varying days, else by average and target."""
    if snapshot.open_alarm:
        return Stability.VOLATILE
    mean = average(snapshot.readings, now=snapshot.as_of, last_change_at=last_change_at(snapshot))
    if not isinstance(mean, SufficientAverage) or snapshot.target is None:
        return Stability.UNKNOWN
    days = [day.systolic_tenths for day in mean.days]
    if len(days) >= _FEWEST_DAYS and stdev(days) > VOLATILE_DAY_SD_TENTHS:
        return Stability.VOLATILE
    target = snapshot.target
    in_target = (
        mean.systolic_tenths < target.systolic_below_mmhg * 10
        and mean.diastolic_tenths < target.diastolic_below_mmhg * 10
    )
    return Stability.STABLE if in_target else Stability.ABOVE_TARGET
