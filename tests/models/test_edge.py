"""The edge bundle: small, signed, and refused by name when it is not for this device."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import edge, network, onnx_graph
from models.artifact import BadArtifact, WrongFeatures, WrongSignature, WrongWeights
from models.edge import Device, Expired, RolledBack, WrongTarget
from models.features import FEATURES, RECORD_FEATURES
from tests.models import models_made

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
PHONE = Device("phone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    edge.export(models_made.made(tmp_path / "m", KEY), tmp_path, KEY, device=PHONE, now=NOW)
    return tmp_path


def test_a_bundle_has_at_most_50_kilobytes_and_gives_the_networks_shifts(
    tmp_path: Path,
) -> None:
    held = models_made.made(tmp_path / "m", KEY)
    size = edge.export(held, tmp_path, KEY, device=PHONE, now=NOW)
    assert size == sum((tmp_path / n).stat().st_size for n in ("model.onnx", "manifest.json")) + 64
    assert size <= edge.MOST_BYTES
    taken = edge.read(tmp_path, PUBLIC, device=PHONE, now=NOW)
    x = onnx_graph.probes()
    x[:, len(RECORD_FEATURES) :] = 0.0
    shift = network.shifts(held.network, x)
    there = onnx_graph.evaluate(taken.model, x)
    np.testing.assert_allclose(there, shift, rtol=0, atol=1e-5)
    assert taken.manifest.features == FEATURES


def resigned(folder: Path, **changed: object) -> None:
    """Sign the manifest anew with other content: only what is checked beside the key stops it."""
    content = json.loads((folder / edge.MANIFEST).read_bytes()) | changed
    text = json.dumps(content).encode()
    (folder / edge.MANIFEST).write_bytes(text)
    (folder / edge.SIGNATURE).write_bytes(KEY.sign(text))


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"feature_version": "record-0"}, WrongFeatures),
        ({"features_sha256": "0" * 64}, WrongFeatures),
        ({"features": list(FEATURES[::-1])}, WrongFeatures),
        ({"schema": "edge-1"}, WrongFeatures),
        ({"more": 1}, WrongFeatures),
        ({"model_sha256": "0" * 64}, WrongWeights),
        ({"target": "watch"}, WrongTarget),
    ],
)
def test_what_was_signed_for_something_else_is_refused_by_name(
    folder: Path, changed: dict[str, object], refusal: type[BadArtifact]
) -> None:
    resigned(folder, **changed)
    with pytest.raises(refusal):
        edge.read(folder, PUBLIC, device=PHONE, now=NOW)


def test_a_bundle_of_another_key_is_refused(folder: Path) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(WrongSignature):
        edge.read(folder, other, device=PHONE, now=NOW)


def test_one_changed_byte_of_the_model_is_refused(folder: Path) -> None:
    content = bytearray((folder / edge.MODEL).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / edge.MODEL).write_bytes(bytes(content))
    with pytest.raises(WrongWeights):
        edge.read(folder, PUBLIC, device=PHONE, now=NOW)


@pytest.mark.parametrize("name", [edge.MODEL, edge.MANIFEST, edge.SIGNATURE])
def test_a_bundle_without_one_of_its_files_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(WrongSignature):
        edge.read(folder, PUBLIC, device=PHONE, now=NOW)


def test_an_older_bundle_than_the_one_held_is_refused(folder: Path) -> None:
    assert edge.read(folder, PUBLIC, device=Device("phone", 1), now=NOW)
    with pytest.raises(RolledBack):
        edge.read(folder, PUBLIC, device=Device("phone", 2), now=NOW)


def test_a_bundle_is_refused_from_the_moment_it_expires(folder: Path) -> None:
    end = NOW + edge.VALID_FOR
    assert edge.read(folder, PUBLIC, device=PHONE, now=end - timedelta(seconds=1))
    with pytest.raises(Expired):
        edge.read(folder, PUBLIC, device=PHONE, now=end)


def test_a_bundle_over_the_limit_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = models_made.made(tmp_path / "m", KEY)
    monkeypatch.setattr(edge, "MOST_BYTES", 5_000)
    with pytest.raises(edge.BundleTooLarge):
        edge.export(held, tmp_path / "out", KEY, device=PHONE, now=NOW)
    assert not (tmp_path / "out").exists()
