"""Windows for training and evaluation, recorded while a trial runs: what was known at a decision
and the mean that the next week then had. Simulated patients only."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from models import choice, dosage, features
from models.features import Columns
from models.literature import ONSET_DAYS
from models.simulation.beliefs import Beliefs
from models.simulation.course import NEVER_MOVED, Course
from models.simulation.home import Averages
from models.simulation.people import Bools, Floats, Ints
from services.ids import new_secret

# The middle of the week that is measured at the end of a 28-day interval.
MIDDLE_DAYS: Final = 24.0


def seen(course: Course, week: Averages, beliefs: Beliefs) -> Floats:
    """Return the network's features of the whole cohort, as `features.of_snapshot` of one."""
    return features.scaled(_columns(course, week, beliefs), course.wearable.features)


def _columns(course: Course, week: Averages, beliefs: Beliefs) -> Columns:
    people, lab = course.people, course.lab
    known = week.known
    systolic = np.where(known, week.systolic / 10.0, np.nan)
    everyone = np.arange(course.count)
    level, _ = beliefs.levels(everyone, course.body.prescribed, course.taken_share())
    return Columns(
        age=people.age.astype(np.float64),
        female=people.female.astype(np.float64),
        egfr=lab.egfr / 1000.0,
        potassium=lab.potassium / 1000.0,
        sodium=lab.sodium / 1000.0,
        systolic=systolic,
        diastolic=np.where(known, week.diastolic / 10.0, np.nan),
        bound=np.where(known, (week.systolic - week.systolic_lower) / 10.0, np.nan),
        # No log without a drug: nothing is known to be missed.
        taken_share=np.where(course.on_treatment, course.taken_share(), 1.0),
        days_since_change=np.where(
            course.changed == NEVER_MOVED, 1e6, course.body.day - course.changed
        ).astype(np.float64),
        untreated=beliefs.mean[:, 0],
        untreated_sd=np.sqrt(beliefs.covariance[:, 0, 0]),
        surprise=systolic - level,
        doses=course.body.prescribed,
    )


class Recorder:
    """Watches a trial: `moved` after each decision, `measured` before the next."""

    def __init__(self, count: int) -> None:
        self._pending: tuple[Floats, Floats, Floats, Bools, Ints] | None = None
        self._course: Course | None = None
        self.features: list[Floats] = []
        self.expected: list[Floats] = []
        self.spread: list[Floats] = []
        self.observed: list[Floats] = []
        self.counted: list[Bools] = []
        self.count = count

    def moved(self, course: Course, week: Averages, beliefs: Beliefs) -> None:
        """Keep what is known once the moves are made."""
        x = seen(course, week, beliefs)
        share = course.taken_share()[:, None]
        target = dosage.effects(course.body.prescribed) * share
        kept = float(np.exp(-MIDDLE_DAYS / ONSET_DAYS))
        rows = dosage.row(target + kept * (beliefs.built_up - target), beliefs.mean[:, 0])
        expected = (rows * beliefs.mean).sum(1)
        spread = np.hypot(dosage.spread(rows, beliefs.covariance), choice.WINDOW_SD_MMHG)
        self._pending = (x, expected, spread, week.known, course.changed)
        self._course = course

    def measured(self, week: Averages) -> None:
        """Close the windows kept, by the mean of the week that has now been measured.

        Unlike the guard's average this one counts in the weeks in which a change still settles.
        """
        if self._pending is None or self._course is None:
            return
        x, expected, spread, known, changed = self._pending
        # A regimen that was paused or taken up again within the interval makes no window.
        held = self._course.changed == changed
        days = week.day_present & (np.cumsum(week.day_present, axis=1) > 1)
        total = (week.day_systolic * days).sum(1) / np.maximum(days.sum(1), 1) / 10.0
        self.features.append(x)
        self.expected.append(expected)
        self.spread.append(spread)
        self.observed.append(total)
        self.counted.append(known & held & (days.sum(1) >= 3))
        self._pending = None

    def lived(self, course: Course) -> None:
        """Days between the decisions are not windows."""

    def patients(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of a cohort file with a wearable, under fresh random subject ids."""
        for patient in range(self.count):
            windows = [
                {
                    "x": np.round(x[patient], 4).tolist(),
                    "mean": round(float(m[patient]), 4),
                    "sd": round(float(s[patient]), 4),
                    "y": round(float(y[patient]), 3),
                }
                for x, m, s, y, c in zip(
                    self.features,
                    self.expected,
                    self.spread,
                    self.observed,
                    self.counted,
                    strict=True,
                )
                if c[patient]
            ]
            if windows:
                subject = new_secret(16).hex()
                yield {"subject": subject, "consent": "research", "windows": windows}
