"""The FLOPs and the bytes that ops take, counted by hand."""

from __future__ import annotations

from minigraph.compile.cost import flops, moved_bytes
from minigraph.core.dtypes import float32
from minigraph.core.types import TensorType
from minigraph.ops.array.reshape import Reshape
from minigraph.ops.math.arithmetic import Add
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.nn.conv2d import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.ops.nn.max_pool import MaxPool


def typed(*dims: int) -> TensorType:
    return TensorType(float32, dims)


def test_flops_of_convolutions() -> None:
    # 2 images of 5x5 with 3 channels, 4 filters of 3x2: SAME gives 5x5, each output 3·2·3 multiplications and additions
    x, w, y = typed(2, 5, 5, 3), typed(3, 2, 3, 4), typed(2, 5, 5, 4)
    expected = 2 * (2 * 5 * 5 * 4) * (3 * 2 * 3)
    assert expected == 7200
    assert flops(Conv2D(), [x, w], [y]) == expected
    assert flops(Conv2DBackpropInput(), [x, w, y], [x]) == expected
    assert flops(Conv2DInputGrad(shape=(2, 5, 5, 3)), [w, y], [x]) == expected
    assert flops(Conv2DBackpropFilter(), [x, w, y], [w]) == expected
    assert flops(Conv2DFilterGrad(shape=(3, 2, 3, 4)), [x, y], [w]) == expected
    # two groups: each output reads half of the 4 channels
    assert flops(Conv2D(groups=2), [typed(1, 3, 3, 4), typed(2, 2, 2, 6)], [typed(1, 3, 3, 6)]) == 2 * 54 * 8
    # stride 2
    assert flops(Conv2D((2, 2)), [typed(1, 4, 4, 1), typed(3, 3, 1, 1)], [typed(1, 2, 2, 1)]) == 2 * 4 * 9


def test_flops_of_others() -> None:
    assert flops(MatMul(), [typed(3, 5), typed(5, 7)], [typed(3, 7)]) == 210
    assert flops(MatMul(True, False), [typed(5, 3), typed(5, 7)], [typed(3, 7)]) == 210
    assert flops(MatMul(False, True), [typed(2, 3, 5), typed(2, 7, 5)], [typed(2, 3, 7)]) == 420
    assert flops(MaxPool((2, 2), (2, 2), "SAME"), [typed(1, 4, 4, 3)], [typed(1, 2, 2, 3)] * 2) == 48
    assert flops(Add(), [typed(4, 3), typed(3)], [typed(4, 3)]) == 12
    assert flops(Reshape((12,)), [typed(4, 3)], [typed(12)]) == 0
    assert flops(Add(), [TensorType(float32, (None,))] * 2, [TensorType(float32, (None,))]) is None
    assert moved_bytes(Add(), [typed(4, 3), typed(3)], [typed(4, 3)]) == 4 * (12 + 3 + 12)
    assert moved_bytes(Reshape((12,)), [typed(4, 3)], [typed(12)]) == 0
