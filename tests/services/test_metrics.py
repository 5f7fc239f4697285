"""Names and labels are part of the interface: dashboards and alert rules name them."""

import pytest
from prometheus_client.metrics import MetricWrapperBase

from services import metrics

OURS = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
FORBIDDEN_LABELS = {"patient", "patient_id", "subject_id", "clinician", "clinician_id", "drug"}


@pytest.mark.parametrize("metric", OURS, ids=lambda metric: str(metric._name))
def test_every_metric_has_the_prefix_and_no_label_that_names_a_person(
    metric: MetricWrapperBase,
) -> None:
    assert metric._name.startswith("clinaiops_")
    assert not FORBIDDEN_LABELS & set(metric._labelnames)


def test_there_are_metrics_to_check() -> None:
    assert len(OURS) >= 10
