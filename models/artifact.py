"""A trained model as files: weights in safetensors, a manifest, and its detached signature.

Never pickle: loading runs no code of the file. The signature covers the manifest, the manifest
holds the weights' hash. Whatever does not fit is refused by name.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.features import FEATURE_VERSION, SCALES
from models.network import Network, from_tensors

WEIGHTS, MANIFEST, SIGNATURE = "weights.safetensors", "manifest.json", "manifest.sig"
SCHEMA: Final = "model-2"


class BadArtifact(ValueError):
    """The model is refused. `name` is the kind of fault."""

    name = "bad_artifact"


class WrongSignature(BadArtifact):
    name = "wrong_signature"


class WrongWeights(BadArtifact):
    name = "wrong_weights"


class WrongFeatures(BadArtifact):
    name = "wrong_features"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the weights are. `widen` multiplies the filter's SD so that 90 % intervals hold."""

    model_version: str
    feature_version: str
    features_sha256: str
    weights_sha256: str
    widen: float
    wearable_seen: bool
    population: str
    cohort_sha256: str
    epsilon: float
    delta: float
    sigma: float
    rate: float
    clip: float
    steps: int
    schema: str = SCHEMA
    layers: str = "all"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model that was checked."""

    network: Network
    manifest: Manifest


def features_hash() -> str:
    """Return the hash of the features' names and scales in order."""
    lines = (f"{name} {centre:g} {scale:g}" for name, centre, scale in SCALES)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def packed(network: Network) -> bytes:
    """Return the weights as safetensors."""
    return bytes(save(network.tensors()))


def save_signed(folder: Path, network: Network, manifest: Manifest, key: Ed25519PrivateKey) -> None:
    """Write the three files; the signature last, so that a half-written model does not load."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(manifest), sort_keys=True, indent=1).encode()
    replace(folder / WEIGHTS, packed(network))
    replace(folder / MANIFEST, text)
    replace(folder / SIGNATURE, key.sign(text))


def load_signed(folder: Path, key: Ed25519PublicKey) -> Artifact:
    """Return the model.

    Raises:
        WrongSignature: the manifest was not signed by this key, or a file is missing.
        WrongFeatures: it was made for other features.
        WrongWeights: the weights are not those of the manifest.
    """
    try:
        files = [(folder / name).read_bytes() for name in (WEIGHTS, MANIFEST, SIGNATURE)]
        weights, text, signature = files
        key.verify(signature, text)
    except FileNotFoundError as err:
        raise WrongSignature(f"{err.filename} is missing") from err
    except InvalidSignature as err:
        raise WrongSignature("the manifest was not signed by this key") from err
    manifest = _manifest(text)
    if hashlib.sha256(weights).hexdigest() != manifest.weights_sha256:
        raise WrongWeights("the weights are not those that were signed")
    try:
        return Artifact(from_tensors(load(weights)), manifest)
    except (SafetensorError, ValueError) as err:
        raise WrongWeights("the weights are not those of this network") from err


def _manifest(text: bytes) -> Manifest:
    try:
        manifest = Manifest(**json.loads(text))
    except TypeError as err:
        raise WrongFeatures("the manifest is of another version") from err
    here = (SCHEMA, FEATURE_VERSION, features_hash())
    if (manifest.schema, manifest.feature_version, manifest.features_sha256) != here:
        raise WrongFeatures(
            f"made for {manifest.feature_version!r}, this program has {FEATURE_VERSION!r}"
        )
    return manifest


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and to disk."""
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def make_key(path: Path) -> Ed25519PrivateKey:
    """Return the signing key in the file, made on first use; its public half stands beside it."""
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise WrongSignature(f"{path} holds no Ed25519 key")
        return key
    made = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    replace(path.with_suffix(".pub"), public)
    text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(text)
    return made


def read_public(path: Path) -> Ed25519PublicKey:
    """Return a public key.

    Raises:
        WrongSignature: there is no such file, or it holds no Ed25519 public key.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except (FileNotFoundError, ValueError) as err:
        raise WrongSignature(f"{path} is no public key") from err
    if not isinstance(key, Ed25519PublicKey):
        raise WrongSignature(f"{path} holds no Ed25519 key")
    return key
