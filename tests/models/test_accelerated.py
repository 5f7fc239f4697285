"""The served model: verified before it is used, and the same on every device."""

from pathlib import Path

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import accelerated, artifact, onnx_graph, predict
from models.accelerated import NoDevice
from models.artifact import BadArtifact
from tests.models import models_made


def trained(folder: Path) -> Path:
    """Write a signed model and its public key; return the key's path."""
    models_made.made(folder / "run", artifact.make_key(folder / "signing.pem"))
    return folder / "signing.pub"


def test_a_signed_model_is_loaded_and_another_keys_is_refused(tmp_path: Path) -> None:
    public = trained(tmp_path)
    assert accelerated.load(tmp_path / "run", public).artifact.manifest.model_version == "test-2"
    artifact.make_key(tmp_path / "other.pem")
    with pytest.raises(BadArtifact) as refused:
        accelerated.load(tmp_path / "run", tmp_path / "other.pub")
    assert refused.value.name == "wrong_signature"


def test_weights_that_are_a_pickle_are_refused_and_not_run(tmp_path: Path) -> None:
    public = trained(tmp_path)
    torch.save({"hidden.weight": torch.zeros(1)}, tmp_path / "run" / artifact.WEIGHTS)
    with pytest.raises(BadArtifact) as refused:
        accelerated.load(tmp_path / "run", public)
    assert refused.value.name == "wrong_weights"


def test_torch_and_numpy_settle_on_the_same_shifts(tmp_path: Path) -> None:
    held = models_made.made(tmp_path, Ed25519PrivateKey.generate())
    x = onnx_graph.probes(2_000)
    ours = predict.by_row(held.network)(x)
    where = torch.device("cpu")
    theirs = predict.settled(accelerated.on_torch(held.network, where))(x)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_by_name_and_auto_takes_the_cpu() -> None:
    with pytest.raises(NoDevice):
        accelerated.device("cuda")
    assert accelerated.device("auto").type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is at hand")
def test_a_gpu_settles_on_the_same_shifts(tmp_path: Path) -> None:
    held = models_made.made(tmp_path, Ed25519PrivateKey.generate())
    x = onnx_graph.probes(2_000)
    theirs = predict.settled(accelerated.on_torch(held.network, accelerated.device("cuda")))(x)
    np.testing.assert_array_equal(predict.by_row(held.network)(x), theirs)
