"""The lock is what is installed, whatever the order and spelling of a file and whatever lies by."""

import platform
from importlib import metadata
from pathlib import Path

import pytest

from services import installed


def test_what_is_installed_counts_not_what_the_file_asks_for() -> None:
    text = installed.lock_text("numpy==0.0.1\n")
    assert f"numpy=={metadata.version('numpy')}\n" in text
    assert text == installed.lock_text("numpy==9.9.9\n")


def test_python_and_platform_are_in_it() -> None:
    first, second, *_ = installed.lock_text("").splitlines()
    assert first.split()[1] == platform.python_version()
    assert second.startswith("platform ")


def test_order_comments_and_spelling_of_the_file_change_nothing() -> None:
    one = installed.lock_text("# a comment==1\nnumpy==1\nimport_linter==2  # why\n")
    other = installed.lock_text("Import.Linter==3\nNumPy==1\n")
    assert one == other
    assert len(one.splitlines()) == 4


def test_a_pinned_package_that_is_not_there_is_said_so() -> None:
    assert "no-such-package==absent\n" in installed.lock_text("no-such-package==1\n")


def test_every_package_of_the_repository_s_file_is_in_it() -> None:
    text = installed.lock_text(installed.REQUIREMENTS.read_text())
    assert {"numpy", "scipy", "torch", "pydantic"} <= {s.split("==")[0] for s in text.splitlines()}
    assert f"=={installed.ABSENT}\n" not in text


def test_without_the_file_no_lock_is_claimed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = installed.lock_sha256()
    assert here is not None and len(here) == 64
    monkeypatch.setattr(installed, "REQUIREMENTS", tmp_path / "requirements.txt")
    assert installed.lock_sha256.__wrapped__() is None
