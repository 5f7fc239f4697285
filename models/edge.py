"""The edge bundle: one signed JSON file of at most 50 kB that a phone can evaluate by itself.

It holds the scales, the weights as base64 of little-endian float32, and parity vectors: inputs with
the corrections that this program gives, so that another implementation can be held to them. It is
not ONNX: that format needs a package that is not among this project's dependencies.
"""

import base64
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models import artifact, network
from models.artifact import Artifact, WrongSignature
from models.features import FEATURE_VERSION, FEATURES
from models.network import BIAS_MMHG, LAYERS, LOG_FACTOR

MOST_BYTES: Final = 50_000
BUNDLE, SIGNATURE = "edge.json", "edge.sig"
PARITY_VECTORS: Final = 8


class BundleTooLarge(ValueError):
    """The bundle is over 50 kB and is not written."""


def bundle(model: Artifact) -> bytes:
    """Return the bundle.

    Raises:
        BundleTooLarge: it would be over the limit.
    """
    chance = np.random.default_rng(1)
    drawn = chance.normal(size=(PARITY_VECTORS, len(FEATURES)))
    inputs = np.round(np.clip(drawn, -3.0, 3.0), 3).astype(np.float64)
    shift, factors = network.corrections(model.network, inputs)
    tensors = model.network.tensors()
    content = json.dumps(
        {
            "model_version": model.manifest.model_version,
            "feature_version": FEATURE_VERSION,
            "features": list(FEATURES),
            "bias_mmhg": BIAS_MMHG,
            "log_factor": LOG_FACTOR,
            "widen": model.manifest.widen,
            "layers": {
                name: {
                    "shape": list(shape),
                    "float32_base64": base64.b64encode(
                        tensors[name].astype("<f4").tobytes()
                    ).decode(),
                }
                for name, shape in LAYERS
            },
            "parity": {
                "inputs": inputs.tolist(),
                "shift_mmhg": np.round(shift, 6).tolist(),
                "factors": np.round(factors, 6).tolist(),
            },
        },
        sort_keys=True,
    ).encode()
    if len(content) > MOST_BYTES:
        raise BundleTooLarge(f"{len(content)} bytes, at most {MOST_BYTES}")
    return content


def export(model: Artifact, folder: Path, key: Ed25519PrivateKey) -> int:
    """Write the bundle and its signature; return its size in bytes."""
    content = bundle(model)
    folder.mkdir(parents=True, exist_ok=True)
    artifact.replace(folder / BUNDLE, content)
    artifact.replace(folder / SIGNATURE, key.sign(content))
    return len(content)


def read(folder: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    """Return the bundle's content.

    Raises:
        WrongSignature: it was not signed by this key.
    """
    content = (folder / BUNDLE).read_bytes()
    try:
        key.verify((folder / SIGNATURE).read_bytes(), content)
    except InvalidSignature as err:
        raise WrongSignature("the edge bundle was not signed by this key") from err
    return dict(json.loads(content))
