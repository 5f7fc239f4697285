"""The dose-response filter over a whole cohort: the arithmetic of `models.dosage`, in arrays."""

from typing import Final

import numpy as np

from models import dosage, kalman, literature
from models.simulation.course import Course
from models.simulation.people import Floats
from services.clinical.windows import WINDOW_DAYS

_STEP: Final = 1.0 - float(np.exp(-1.0 / literature.ONSET_DAYS))


class Beliefs:
    """One posterior a patient, fed by the same cuff readings and dose log as the record holds."""

    def __init__(self, course: Course) -> None:
        self.mean: Floats = np.tile(dosage.prior_mean(), (course.count, 1))
        self.covariance: Floats = np.tile(np.diag(dosage.PRIOR_SD**2), (course.count, 1, 1))
        self.built_up = dosage.effects(course.body.prescribed) * course.taken_share()[:, None]
        self._passed: list[Floats] = [self.built_up] * WINDOW_DAYS
        """What had built up on each day since the last week that was read, oldest first."""
        self.days_read = np.zeros(course.count, dtype=np.int64)

    def live(self, course: Course) -> None:
        """Let the day that the course has just lived pass, under what was prescribed on it."""
        target = dosage.effects(course.body.prescribed) * course.taken_share()[:, None]
        self.built_up = self.built_up + _STEP * (target - self.built_up)
        self._passed.append(self.built_up)

    def read_week(self, course: Course) -> None:
        """Take in the last measured week, a day at a time."""
        week, days = course.weeks[-1], self._passed[-WINDOW_DAYS:]
        self._forget(len(self._passed) - len(days))
        self._passed = []
        for day, built_up in enumerate(days):
            self._forget(1)
            present = week.present[:, day]
            seen = present.any(1)
            level = (week.systolic[:, day] * present).sum(1) / np.maximum(present.sum(1), 1)
            rows = dosage.row(built_up, self.mean[:, 0])
            variance = np.where(seen, dosage.DAY_VARIANCE, 1e12)
            observed = np.where(seen, level, (rows * self.mean).sum(1))
            self.mean, self.covariance = kalman.update(
                self.mean, self.covariance, rows, observed, variance
            )
            self.days_read += seen

    def levels(
        self, patient: np.ndarray, standard_doses: Floats, share: Floats
    ) -> tuple[Floats, Floats]:
        """Return mean and SD of the full-effect home mean under doses, one row a candidate."""
        return levels(self.mean, self.covariance, patient, standard_doses, share)

    def _forget(self, days: int) -> None:
        if days == 0:
            return
        self.covariance = kalman.forget(
            self.covariance, dosage.PRIOR_SD**2, literature.FORGETTING_PER_DAY, days
        )


def levels(
    mean: Floats,
    covariance: Floats,
    patient: np.ndarray,
    standard_doses: Floats,
    share: Floats,
) -> tuple[Floats, Floats]:
    """Return mean and SD (candidates,) of the full-effect home mean under doses.

    `standard_doses` (candidates, classes) belong to `patient` (candidates,), who takes `share`
    (patients,) of them.
    """
    effect = dosage.effects(standard_doses) * share[patient][:, None]
    rows = dosage.row(effect, mean[patient, 0])
    level = (rows * mean[patient]).sum(1)
    spread = dosage.spread(rows, covariance[patient])
    return level, spread
