"""The edge bundle: small, signed, and enough to compute the same corrections elsewhere."""

import base64
import math
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import edge
from models.artifact import WrongSignature
from tests.models import models_made

KEY = Ed25519PrivateKey.generate()


def rows(layer: dict[str, object]) -> list[list[float]]:
    """Weights as another program would read them: standard library only."""
    raw = base64.b64decode(str(layer["float32_base64"]))
    flat = [v for (v,) in struct.iter_unpack("<f", raw)]
    shape = layer["shape"]
    assert isinstance(shape, list)
    width = shape[1] if len(shape) == 2 else 1
    return [flat[at : at + width] for at in range(0, len(flat), width)]


def test_another_implementation_gives_the_parity_vectors(tmp_path: Path) -> None:
    size = edge.export(models_made.made(tmp_path / "m", KEY), tmp_path, KEY)
    assert size <= edge.MOST_BYTES
    found = edge.read(tmp_path, KEY.public_key())
    layers = {name: rows(layer) for name, layer in found["layers"].items()}
    parity = found["parity"]
    vectors = zip(parity["inputs"], parity["shift_mmhg"], parity["factors"], strict=True)
    for x, shift, factors in vectors:
        hidden = [
            math.tanh(sum(w * v for w, v in zip(ws, x, strict=True)) + b[0])
            for ws, b in zip(layers["hidden.weight"], layers["hidden.bias"], strict=True)
        ]
        raw = [
            math.tanh(sum(w * v for w, v in zip(ws, hidden, strict=True)) + b[0])
            for ws, b in zip(layers["output.weight"], layers["output.bias"], strict=True)
        ]
        assert found["bias_mmhg"] * raw[0] == pytest.approx(shift, abs=1e-5)
        assert [math.exp(found["log_factor"] * r) for r in raw[1:]] == pytest.approx(
            factors, abs=1e-5
        )


def test_a_bundle_of_another_key_is_refused(tmp_path: Path) -> None:
    edge.export(models_made.made(tmp_path / "m", KEY), tmp_path, KEY)
    with pytest.raises(WrongSignature):
        edge.read(tmp_path, Ed25519PrivateKey.generate().public_key())
