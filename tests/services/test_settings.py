from pathlib import Path

import pytest

from services.settings import SettingsError, load


def test_ports_and_home_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLINAIOPS_HOME", str(tmp_path))
    monkeypatch.setenv("CLINAIOPS_GATEWAY_PORT", "40123")
    settings = load()
    assert settings.home == tmp_path
    assert settings.gateway_url == "http://127.0.0.1:40123"


@pytest.mark.parametrize("text", ["", "http", "0", "65536", "-1", "80.5"])
def test_what_is_no_port_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CLINAIOPS_GATEWAY_PORT", text)
    with pytest.raises(SettingsError, match="CLINAIOPS_GATEWAY_PORT"):
        load()


def test_an_unknown_time_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINAIOPS_CLINIC_TIMEZONE", "Mars/Olympus")
    with pytest.raises(SettingsError, match="time zone"):
        load()


def test_database_url_moves_the_database_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://records.example:6543")
    settings = load()
    assert (settings.database_host, settings.postgres_port) == ("records.example", 6543)


def test_a_database_url_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://records.example")
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        load()


def test_a_missing_secret_says_which_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLINAIOPS_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=r"'kek\.json'.*make up"):
        load().secret("kek.json")


def test_a_secret_loses_its_newline_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLINAIOPS_HOME", str(tmp_path))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "x").write_bytes(b" a b \n")
    assert load().secret("x") == b" a b "
