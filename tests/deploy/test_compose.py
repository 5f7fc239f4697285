"""The compose file and the image cannot run without an engine; what can be checked, is."""

import configparser
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
# They end by themselves, so there is nothing to ask after.
ONE_SHOT = {"provision", "migrate", "begin-witness"}
BESIDE = Path(sys.executable).parent


def test_the_compose_file_fits_the_public_schema() -> None:
    done = subprocess.run(
        [BESIDE / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_image_passes_its_linter() -> None:
    done = subprocess.run(
        [BESIDE / "hadolint", ROOT / "deploy/Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_compose_and_supervisor_name_the_same_processes() -> None:
    config = configparser.RawConfigParser(inline_comment_prefixes=None)
    config.read(ROOT / "deploy/supervisord.conf")
    supervised = {s.removeprefix("program:") for s in config.sections() if s.startswith("program:")}
    compose = set(yaml.safe_load(COMPOSE.read_text())["services"])
    only_there = {*ONE_SHOT, "temporal-database", "prometheus", "grafana"}
    assert supervised == compose - only_there


def test_every_service_has_a_health_check_and_every_secret_is_declared() -> None:
    document = yaml.safe_load(COMPOSE.read_text())
    for name, service in document["services"].items():
        assert "healthcheck" in service or name in ONE_SHOT, name
        used = {s if isinstance(s, str) else s["source"] for s in service.get("secrets", [])}
        assert used <= document["secrets"].keys(), name


def test_our_own_processes_run_without_root_and_without_capabilities() -> None:
    for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items():
        if service["image"] == "clinaiops:local":
            assert service["user"] == "10001:10001", name
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_published_ports_are_bound_to_this_machine_only() -> None:
    for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
