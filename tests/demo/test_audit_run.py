"""The audit says so when it could not be made: it is never assumed."""

from pathlib import Path

import pytest

from demo import audit_run
from demo.audit_run import audit


def test_an_export_that_fails_is_not_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a home without a stack the real command refuses, and its words are kept."""
    monkeypatch.setenv("CLINAIOPS_HOME", str(tmp_path))
    stale = tmp_path / "demo" / "export"
    stale.mkdir(parents=True)
    (stale / "manifest.json").write_text("{}")
    made = audit(tmp_path)
    assert not made.verified and made.said
    assert not (made.bundle / "manifest.json").exists()


def test_the_verifier_is_the_one_that_auditors_use(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    assert audit_run._run("verify", str(tmp_path)).returncode != 0
