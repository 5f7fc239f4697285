"""The correction network as an ONNX graph, for devices that evaluate it by themselves.

The weights stay float32; they are cast and the arithmetic is float64, as in `network.py`: in
float32 the shift would differ in the fifth decimal. Features that the model has not learned are set
to average inside the graph, so that no device can forget it.
"""

from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from models import features, network
from models.features import FEATURES
from models.network import LAYERS, SHIFT_MMHG, Network

Array = NDArray[np.float64]

INPUT: Final = "features"
SHIFT: Final = "shift_mmhg"
# Opset and file version that runtimes of 2023 and later read; the operators are far older.
OPSET: Final = 17
IR_VERSION: Final = 8
TOLERANCE: Final = 1e-5
_ROWS: Final = "patients"


class NotTheSame(ArithmeticError):
    """The graph gives other shifts than the network: nothing is exported."""

    name = "not_the_same"


def graph(held: Network, *, wearable: bool) -> bytes:
    """Return the model file: `features` (patients, features) → `shift_mmhg` (patients,).

    Features are those of `features.scaled`, within ±3. `wearable` False: the wearable's are masked.
    """
    mask = features.masked(np.ones((1, len(FEATURES))), wearable=wearable)
    constants = {"mask": mask, "most": np.array(SHIFT_MMHG)}
    made = helper.make_graph(
        _nodes(),
        "correction",
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [_ROWS, len(FEATURES)])],
        [helper.make_tensor_value_info(SHIFT, TensorProto.DOUBLE, [_ROWS])],
        [
            *(numpy_helper.from_array(value, name) for name, value in held.tensors().items()),
            *(numpy_helper.from_array(value, name) for name, value in constants.items()),
            numpy_helper.from_array(np.array([1]), "column"),
        ],
    )
    model: ModelProto = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _nodes() -> list[NodeProto]:
    node = helper.make_node
    return [
        *(node("Cast", [name], [f"{name}.64"], to=TensorProto.DOUBLE) for name, _ in LAYERS),
        node("Mul", [INPUT, "mask"], ["seen"]),
        node("Gemm", ["seen", "hidden.weight.64", "hidden.bias.64"], ["h"], transB=1),
        node("Tanh", ["h"], ["hidden"]),
        node("Gemm", ["hidden", "output.weight.64", "output.bias.64"], ["o"], transB=1),
        node("Tanh", ["o"], ["raw"]),
        node("Mul", ["raw", "most"], ["shift_column"]),
        node("Squeeze", ["shift_column", "column"], [SHIFT]),
    ]


def evaluate(model: bytes, x: Array) -> Array:
    """Return the shifts (patients,) in mmHg that the graph gives for (patients, features)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    [shift] = session.run([SHIFT], {INPUT: np.asarray(x, dtype=np.float64)})
    return np.asarray(shift)


def largest_difference(model: bytes, held: Network, x: Array, *, wearable: bool) -> float:
    """Return the largest difference of any shift between the graph and the network, mmHg."""
    ours = network.shifts(held, features.masked(x, wearable=wearable))
    return float(np.abs(ours - evaluate(model, x)).max())


def require_same(model: bytes, held: Network, *, wearable: bool) -> None:
    """Compare on boundary and random inputs.

    Raises:
        NotTheSame: a shift differs by more than the tolerance.
    """
    found = largest_difference(model, held, probes(), wearable=wearable)
    if not found <= TOLERANCE:
        raise NotTheSame(f"a shift differs by {found:.2g}, at most {TOLERANCE:g}")


def probes(rows: int = 256) -> Array:
    """Return inputs to compare on: all at each bound, each feature alone at each, random ones."""
    count = len(FEATURES)
    corners = np.array([np.full(count, value) for value in (-3.0, 0.0, 3.0)])
    alone = np.concatenate([3.0 * np.eye(count), -3.0 * np.eye(count)])
    drawn = np.random.default_rng(1).uniform(-3.0, 3.0, (rows, count))
    return np.concatenate([corners, alone, drawn])
