"""All that a wearable says of a patient's days, in one order and under one version: the means of
the moments' features, then the day's course.
"""

from services.signals.circadian import COURSE_ORDER, COURSE_VERSION
from services.signals.features import FEATURE_ORDER, FEATURE_VERSION

WEARABLE_ORDER: tuple[str, ...] = FEATURE_ORDER + COURSE_ORDER
WEARABLE_VERSION = f"signals-{FEATURE_VERSION}+course-{COURSE_VERSION}"
