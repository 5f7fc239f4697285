"""Rules and dashboards may name only metrics that the code has; the rules have unit tests."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from services import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
# A histogram is read through its parts, a counter by its name with _total.
SUFFIXES = ("_bucket", "_count", "_sum", "_total", "")


def known_metrics() -> set[str]:
    ours = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    return {metric._name + suffix for metric in ours for suffix in SUFFIXES}


def expressions() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    board = json.loads((DEPLOY / "grafana/dashboards/clinaiops.json").read_text())
    return [rule["expr"] for rule in rules] + [
        target["expr"] for panel in board["panels"] for target in panel["targets"]
    ]


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_in_a_rule_or_panel_exists(expression: str) -> None:
    assert set(re.findall(r"clinaiops_[a-z_]+", expression)) <= known_metrics()


def test_every_job_has_an_alert_for_its_absence() -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    rules = (DEPLOY / "alerts.yml").read_text()
    for job in jobs:
        assert f'absent(up{{job="{job["job_name"]}"}})' in rules


def test_the_alert_rules_pass_their_unit_tests() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("not run: promtool is not installed (Debian package prometheus)")
    done = subprocess.run(
        [promtool, "test", "rules", DEPLOY / "alerts_test.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
