"""The edge bundle: the correction network as ONNX for a device, with a signed manifest.

At most 50 kB. The manifest holds the model's hash, its target, until when it holds, and a version
that only goes up: a device refuses an older bundle than the one it has (rollback), one that has
expired (freeze) and one made for another target (mix and match).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models import artifact, onnx_graph
from models.artifact import Artifact, BadArtifact, WrongFeatures, WrongSignature, WrongWeights
from models.features import FEATURE_VERSION, FEATURES

MOST_BYTES: Final = 50_000
"""Of all three files together."""
MODEL, MANIFEST, SIGNATURE = "model.onnx", "manifest.json", "manifest.sig"
SCHEMA: Final = "edge-3"
VALID_FOR: Final = timedelta(days=180)
"""A device that hears of no newer bundle for so long stops using this one. [D]"""


class BundleTooLarge(ValueError):
    """The bundle is over 50 kB and is not written."""


class RolledBack(BadArtifact):
    name = "rolled_back"


class Expired(BadArtifact):
    name = "expired"


class WrongTarget(BadArtifact):
    name = "wrong_target"


@dataclass(frozen=True, slots=True)
class EdgeManifest:
    """What the model file is. Times are ISO 8601 with their offset; `expires_at` is excluded."""

    bundle_version: int
    target: str
    made_at: str
    expires_at: str
    model_version: str
    model_sha256: str
    feature_version: str
    features_sha256: str
    features: tuple[str, ...]
    widen: float
    wearable_seen: bool
    schema: str = SCHEMA


@dataclass(frozen=True, slots=True)
class Device:
    """What a device knows by itself: what it is, and the newest bundle it has held (0: none)."""

    target: str
    held_version: int = 0


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was checked."""

    model: bytes
    manifest: EdgeManifest


def export(
    held: Artifact, folder: Path, key: Ed25519PrivateKey, *, device: Device, now: datetime
) -> int:
    """Write the bundle that follows on `device.held_version`; return its size in bytes.

    The model is compared with the network first; the signature is written last.

    Raises:
        NotTheSame: the graph gives other shifts.
        BundleTooLarge: it would be over the limit.
    """
    wearable = held.manifest.wearable_seen
    model = onnx_graph.graph(held.network, wearable=wearable)
    onnx_graph.require_same(model, held.network, wearable=wearable)
    manifest = EdgeManifest(
        bundle_version=device.held_version + 1,
        target=device.target,
        made_at=now.isoformat(),
        expires_at=(now + VALID_FOR).isoformat(),
        model_version=held.manifest.model_version,
        model_sha256=hashlib.sha256(model).hexdigest(),
        feature_version=FEATURE_VERSION,
        features_sha256=artifact.features_hash(),
        features=FEATURES,
        widen=held.manifest.widen,
        wearable_seen=wearable,
    )
    text = json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":")).encode()
    files = {MODEL: model, MANIFEST: text, SIGNATURE: key.sign(text)}
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        raise BundleTooLarge(f"{size} bytes, at most {MOST_BYTES}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        artifact.replace(folder / name, content)
    return size


def read(folder: Path, key: Ed25519PublicKey, *, device: Device, now: datetime) -> Bundle:
    """Return the bundle as a device takes it in.

    Raises:
        WrongSignature: another key, an altered manifest, or a file is missing.
        WrongFeatures: made for other features or by another version of this format.
        WrongWeights: the model file is not the one that was signed.
        WrongTarget, RolledBack, Expired: not for this device, older than its own, or too old.
    """
    manifest = signed(folder, key)
    model = (folder / MODEL).read_bytes()
    if hashlib.sha256(model).hexdigest() != manifest.model_sha256:
        raise WrongWeights("the model is not the one that was signed")
    if manifest.target != device.target:
        raise WrongTarget(f"made for {manifest.target!r}, this is {device.target!r}")
    if manifest.bundle_version < device.held_version:
        raise RolledBack(f"version {manifest.bundle_version}; {device.held_version} was held")
    if now >= datetime.fromisoformat(manifest.expires_at):
        raise Expired(f"expired at {manifest.expires_at}")
    return Bundle(model, manifest)


def signed(folder: Path, key: Ed25519PublicKey) -> EdgeManifest:
    """Return the manifest of a bundle, whatever its age and target. Raises: as `read`."""
    try:
        text, signature = ((folder / name).read_bytes() for name in (MANIFEST, SIGNATURE))
        (folder / MODEL).stat()
        key.verify(signature, text)
    except FileNotFoundError as err:
        raise WrongSignature(f"{err.filename} is missing") from err
    except InvalidSignature as err:
        raise WrongSignature("the edge bundle was not signed by this key") from err
    try:
        content = json.loads(text)
        manifest = EdgeManifest(**(content | {"features": tuple(content["features"])}))
    except (KeyError, TypeError) as err:
        raise WrongFeatures("the manifest is of another format") from err
    here = (SCHEMA, FEATURE_VERSION, artifact.features_hash(), FEATURES)
    if _made_for(manifest) != here:
        raise WrongFeatures(
            f"made for {manifest.feature_version!r}, this program has {FEATURE_VERSION!r}"
        )
    return manifest


def _made_for(manifest: EdgeManifest) -> tuple[str, str, str, tuple[str, ...]]:
    return (
        manifest.schema,
        manifest.feature_version,
        manifest.features_sha256,
        manifest.features,
    )
