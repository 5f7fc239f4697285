"""`export-edge` numbers bundles upwards and refuses by name."""

from pathlib import Path

import pytest

from models import artifact, edge
from models.__main__ import main
from models.edge import Device
from services import clock
from tests.models import models_made


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    key = artifact.make_key(tmp_path / "signing.pem")
    models_made.made(tmp_path / "run", key)
    return [
        *("export-edge", "--weights", str(tmp_path / "run"), "--folder", str(tmp_path / "edge")),
        *("--public-key", str(tmp_path / "signing.pub"), "--key", str(tmp_path / "signing.pem")),
    ]


def test_each_export_has_the_next_version(given: list[str], tmp_path: Path) -> None:
    public = artifact.read_public(tmp_path / "signing.pub")
    for version in (1, 2, 3):
        assert main(given) == 0
        bundle = edge.read(
            tmp_path / "edge", public, device=Device("phone", version), now=clock.now()
        )
        assert bundle.manifest.bundle_version == version


def test_a_version_that_does_not_go_up_is_refused_and_nothing_is_written(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*given, "--bundle-version", "7"]) == 0
    before = (tmp_path / "edge" / edge.MANIFEST).read_bytes()
    assert main([*given, "--bundle-version", "7"]) == 2
    assert "rolled_back" in capsys.readouterr().err
    assert (tmp_path / "edge" / edge.MANIFEST).read_bytes() == before


def test_altered_weights_are_not_exported(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run" / artifact.WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert main(given) == 2
    assert "wrong_weights" in capsys.readouterr().err
    assert not (tmp_path / "edge").exists()
