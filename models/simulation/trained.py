"""The trained model among the policies: the filter's beliefs with the network's shift."""

import numpy as np

from models import features, network
from models.artifact import Artifact
from models.simulation import reference
from models.simulation.beliefs import Beliefs, levels
from models.simulation.course import Course
from models.simulation.home import Averages
from models.simulation.people import Floats, Ints
from models.simulation.policies import Decision, Policy, expected, likely_symptoms
from models.simulation.windows import seen


def believed(artifact: Artifact, course: Course, week: Averages, beliefs: Beliefs) -> Floats:
    """Return the posterior means of the cohort with the network's shift.

    The private factor on the spread is for stated intervals; it measures next weeks, which vary by
    more than the level that a move is chosen for.
    """
    x = features.masked(seen(course, week, beliefs), wearable=artifact.manifest.wearable_seen)
    return network.shifted(beliefs.mean, network.shifts(artifact.network, x))


def policy(artifact: Artifact) -> Policy:
    """Return the policy that scores guarded moves by the trained model."""

    def scored(asked: Decision) -> Floats:
        course = asked.course
        mean = believed(artifact, course, asked.week, asked.beliefs)
        covariance = asked.beliefs.covariance
        level, spread = levels(
            mean, covariance, asked.offered.patient, asked.doses, course.taken_share()
        )
        return expected(level, spread, asked, likely_symptoms(asked))

    return scored


def chooser(artifact: Artifact) -> reference.Chooser:
    """Return the same for the small world without a guard."""

    def choose(asked: reference.Seen) -> Ints:
        week = asked.course.averages()
        mean = believed(artifact, asked.course, week, asked.beliefs)
        return np.asarray(reference.chosen_by(asked, mean, asked.beliefs.covariance))

    return choose
