"""A model loads only as it was signed, for these features, by this key."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import artifact, network
from models.artifact import BadArtifact, Manifest
from models.features import FEATURE_VERSION, SCALES

KEY = Ed25519PrivateKey.generate()
NETWORK = network.initial(1)
MANIFEST = Manifest(
    model_version="v1",
    feature_version=FEATURE_VERSION,
    features_sha256=artifact.features_hash(),
    weights_sha256=hashlib.sha256(artifact.packed(NETWORK)).hexdigest(),
    widen=1.3,
    wearable_seen=False,
    population="clinic",
    cohort_sha256="0" * 64,
    epsilon=2.9,
    delta=1e-5,
    sigma=2.8,
    rate=0.1,
    clip=0.3,
    steps=300,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artifact.save_signed(tmp_path, NETWORK, MANIFEST, KEY)
    return tmp_path


def refusal(folder: Path, key: Ed25519PrivateKey = KEY) -> str:
    with pytest.raises(BadArtifact) as refused:
        artifact.load_signed(folder, key.public_key())
    return refused.value.name


def test_what_was_signed_is_loaded(folder: Path) -> None:
    found = artifact.load_signed(folder, KEY.public_key())
    assert found.manifest == MANIFEST
    assert found.network.hidden_weight.tolist() == NETWORK.hidden_weight.tolist()


def test_another_key_is_refused(folder: Path) -> None:
    assert refusal(folder, Ed25519PrivateKey.generate()) == "wrong_signature"


def test_a_changed_manifest_is_refused(folder: Path) -> None:
    held = json.loads((folder / artifact.MANIFEST).read_text())
    (folder / artifact.MANIFEST).write_text(json.dumps({**held, "widen": 0.1}))
    assert refusal(folder) == "wrong_signature"


def test_changed_weights_are_refused(folder: Path) -> None:
    content = bytearray((folder / artifact.WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / artifact.WEIGHTS).write_bytes(bytes(content))
    assert refusal(folder) == "wrong_weights"


def test_other_features_are_refused_though_signed(tmp_path: Path) -> None:
    artifact.save_signed(tmp_path, NETWORK, replace(MANIFEST, feature_version="record-0"), KEY)
    assert refusal(tmp_path) == "wrong_features"


def test_a_feature_on_another_scale_is_another_feature(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, centre, scale = SCALES[0]
    other = ((name, centre, 2 * scale), *SCALES[1:])
    monkeypatch.setattr("models.artifact.SCALES", other)
    assert refusal(folder) == "wrong_features"


@pytest.mark.parametrize("name", [artifact.WEIGHTS, artifact.MANIFEST, artifact.SIGNATURE])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder) == "wrong_signature"


def test_the_private_key_is_its_owners_alone_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    first, second = artifact.make_key(path), artifact.make_key(path)
    assert path.stat().st_mode & 0o077 == 0
    assert first.private_bytes_raw() == second.private_bytes_raw()
    public = artifact.read_public(path.with_suffix(".pub"))
    assert public.public_bytes_raw() == first.public_key().public_bytes_raw()
