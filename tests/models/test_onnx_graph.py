"""The ONNX graph gives the network's shifts, for every input that features can have."""

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from models import features, network, onnx_graph
from models.features import FEATURES, RECORD_FEATURES
from models.network import LAYERS, Network


def drawn(seed: int, size: float) -> Network:
    chance = np.random.default_rng(seed)
    return network.from_tensors(
        {name: chance.normal(0, size, shape).astype(np.float32) for name, shape in LAYERS}
    )


@pytest.mark.parametrize("size", [0.0, 0.05, 0.3, 3.0, 100.0])
@pytest.mark.parametrize("wearable", [True, False])
def test_graph_and_network_agree_within_1e_5_on_many_and_on_boundary_inputs(
    size: float, wearable: bool
) -> None:
    held = drawn(2, size)
    model = onnx_graph.graph(held, wearable=wearable)
    x = onnx_graph.probes(4_000)
    assert onnx_graph.largest_difference(model, held, x, wearable=wearable) < 1e-5


def test_boundary_inputs_hold_every_feature_at_both_of_its_bounds() -> None:
    x = onnx_graph.probes(0)
    assert x.min() == -3.0 and x.max() == 3.0
    assert all({-3.0, 3.0} <= set(x[3:, place]) for place in range(len(FEATURES)))


def test_one_patient_and_no_patient_can_be_asked_about() -> None:
    held = drawn(3, 0.3)
    model = onnx_graph.graph(held, wearable=True)
    for rows in (1, 0):
        assert onnx_graph.evaluate(model, np.zeros((rows, len(FEATURES)))).shape == (rows,)


def test_the_graph_masks_a_wearable_that_the_model_has_not_learned() -> None:
    held = drawn(4, 0.3)
    model = onnx_graph.graph(held, wearable=False)
    plain: NDArray[np.float64] = np.zeros((1, len(FEATURES)))
    worn = plain.copy()
    worn[:, len(RECORD_FEATURES) :] = 3.0
    np.testing.assert_array_equal(
        onnx_graph.evaluate(model, worn), onnx_graph.evaluate(model, plain)
    )
    assert not np.array_equal(network.shifts(held, worn), network.shifts(held, plain))
    assert features.masked(worn, wearable=False).sum() == 0.0


def test_a_graph_of_other_weights_is_refused() -> None:
    model = onnx_graph.graph(drawn(5, 0.3), wearable=True)
    onnx_graph.require_same(model, drawn(5, 0.3), wearable=True)
    with pytest.raises(onnx_graph.NotTheSame):
        onnx_graph.require_same(model, drawn(6, 0.3), wearable=True)


def test_the_same_network_gives_the_same_bytes_of_an_old_readable_opset() -> None:
    model = onnx_graph.graph(drawn(7, 0.3), wearable=True)
    assert model == onnx_graph.graph(drawn(7, 0.3), wearable=True)
    parsed = onnx.load_model_from_string(model)
    assert [o.version for o in parsed.opset_import] == [17] and parsed.ir_version == 8
