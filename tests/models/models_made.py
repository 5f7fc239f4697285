"""A signed model for tests: a network with weights of its own, nobody's data."""

import hashlib
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import artifact, network, predict
from models.artifact import Artifact, Manifest
from models.features import FEATURE_VERSION
from models.network import LAYERS
from models.predict import ModelPredictor


def made(folder: Path, key: Ed25519PrivateKey, *, size: float = 0.3) -> Artifact:
    chance = np.random.default_rng(1)
    held = network.from_tensors(
        {n: chance.normal(0, size, s).astype(np.float32) for n, s in LAYERS}
    )
    manifest = Manifest(
        model_version="test-2",
        feature_version=FEATURE_VERSION,
        features_sha256=artifact.features_hash(),
        weights_sha256=hashlib.sha256(artifact.packed(held)).hexdigest(),
        widen=1.5,
        wearable_seen=False,
        population="nobody",
        cohort_sha256="0" * 64,
        epsilon=2.9,
        delta=1e-5,
        sigma=2.8,
        rate=0.1,
        clip=0.3,
        steps=300,
    )
    artifact.save_signed(folder, held, manifest, key)
    return artifact.load_signed(folder, key.public_key())


def predictor(held: Artifact) -> ModelPredictor:
    return ModelPredictor(held, predict.by_row(held.network))
