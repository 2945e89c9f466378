"""Times of single LLVM kernels on one thread, for a comparison of two versions of the code: run it with each in turn.

    python tests/bench/loop_kernels.py [--only TEXT] [--seconds 1] [--json FILE]

Each launch is timed in up to 16 segments of its tasks; the figure is the sum of the minima of the segments, which
repeats better on a shared machine than the minimum of whole launches. Also shown: the time to print and to compile the
code.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minigraph  # noqa: F401
from minigraph.backends.llvm import codegen, compiler
from minigraph.backends.llvm.backend import lower
from minigraph.backends.llvm.native import LoweringContext
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Program, Value, reachable
from minigraph.ir.regions import Loop
from minigraph.ops.array.gathering import GatherGrad, GatherV2
from minigraph.ops.math.argmax import ArgMax
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.ops.math.reduce_extremes import Max
from minigraph.ops.math.reduce_product import Prod
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolInputGrad
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.lrn import LRN, WindowSum
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolInputGrad
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.random.distributions import RandomStandardNormal, RandomUniform, TruncatedNormal

FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
RANDOM = np.random.RandomState(0)


def randn(*shape: int) -> np.ndarray:
    return RANDOM.randn(*shape).astype(np.float32)


def type_of(array: np.ndarray) -> TensorType:
    return TensorType(as_dtype(array.dtype), array.shape)


def cases() -> Iterator[tuple[str, Op, list[np.ndarray]]]:
    for shape in ((64, 56, 56, 64), (256, 28, 28, 64), (64, 7, 7, 512), (32, 28, 28, 100), (64, 32, 32, 3)):
        x = randn(*shape)
        for size, padding in ((2, "SAME"), (3, "SAME"), (3, "VALID")):
            pool = MaxPool((size, size), (2, 2), padding)
            y = pool.infer(type_of(x))[0].static
            places = RANDOM.randint(0, size * size, y).astype(np.uint8)
            yield f"max_pool {size}/2 {padding} {shape}", pool, [x]
            grad = MaxPoolInputGrad(*pool.with_numbers(type_of(x)), shape)
            yield f"max_pool_grad {size}/2 {padding} {shape}", grad, [places, randn(*y)]
        mean = AvgPool((3, 3), (1, 1), "SAME")
        yield f"avg_pool 3/1 {shape}", mean, [x]
        yield f"avg_pool_grad 3/1 {shape}", AvgPoolInputGrad(*mean.with_numbers(type_of(x)), shape), [x]
    for shape in ((256, 1000), (4096, 10), (64, 50257)):
        yield f"softmax {shape}", Softmax(), [randn(*shape)]
        yield f"log_softmax {shape}", LogSoftmax(), [randn(*shape)]
        yield f"argmax {shape}", ArgMax(1), [randn(*shape)]
    for shape in ((256, 10), (4096, 100), (256, 1000)):
        yield f"cross_entropy {shape}", SoftmaxCrossEntropyWithLogits(), [randn(*shape), abs(randn(*shape))]
        labels = RANDOM.randint(0, shape[1], shape[0]).astype(np.int32)
        yield f"sparse_cross_entropy {shape}", SparseSoftmaxCrossEntropyWithLogits(), [randn(*shape), labels]
    yield "argmax (64, 10, 1000), axis 1", ArgMax(1), [randn(64, 10, 1000)]
    yield "max of rows (256, 1000)", Max((1,)), [randn(256, 1000)]
    yield "max of columns (1000, 4096)", Max((0,)), [randn(1000, 4096)]
    yield "max of the middle (64, 49, 512)", Max((1,)), [randn(64, 49, 512)]
    yield "max of all", Max(None), [randn(1 << 20)]
    yield "product of rows (4096, 64)", Prod((1,)), [randn(4096, 64)]
    for shape, radius in (((32, 56, 56, 64), 5), ((16, 28, 28, 192), 2)):
        yield f"lrn {radius} {shape}", LRN(radius, 1.0, 1e-4, 0.75), [randn(*shape)]
        yield f"window_sum {radius} {shape}", WindowSum(radius), [randn(*shape)]
    places = RANDOM.randint(0, 4096, 4096).astype(np.int32)
    for width in (10, 128):
        yield f"gather (4096, {width})", GatherV2(0), [randn(4096, width), places]
        yield f"gather_grad (4096, {width})", GatherGrad(0), [randn(4096, width), places, randn(4096, width)]
    cell = np.array([0, 7, 3], np.uint64)
    for size in (1000, 1 << 20, (1 << 20) + 3):
        yield f"uniform ({size})", RandomUniform(as_dtype("float32"), (size,), 7, 3), [cell]
    yield "normal (65536)", RandomStandardNormal(as_dtype("float32"), (1 << 16,), 7, 3), [cell]
    yield "truncated_normal (65536)", TruncatedNormal(as_dtype("float32"), (1 << 16,), 7, 3), [cell]


def loops() -> Iterator[tuple[str, Op, list[np.ndarray]]]:
    """Fused loops, as layers need them: pointwise parts and sums."""
    for shape in ((32, 56, 56, 64), (32, 14, 14, 256), (64, 1000)):
        yield from ((f"{name} {shape}", op, inputs) for name, op, inputs in loops_over(shape))
    yield "small: x + g (32, 10)", *region(lambda v: [v[0] + v[1]], randn(32, 10), randn(32, 10))
    yield "small: sum of columns (32, 10)", Sum((0,)), [randn(32, 10)]
    yield "small: sum of all (32, 10)", Sum(None), [randn(32, 10)]


def loops_over(shape: tuple[int, ...]) -> Iterator[tuple[str, Op, list[np.ndarray]]]:
    x, g, c = randn(*shape), randn(*shape), abs(randn(shape[-1]))
    columns, row = tuple(range(len(shape) - 1)), (len(shape) - 1,)
    yield "relu(x * c + c)", *region(lambda v: [M.Relu(v[0] * v[1] + v[1])], x, c)
    yield "x + g", *region(lambda v: [v[0] + v[1]], x, g)
    yield "tanh(x)", *region(lambda v: [M.Tanh(v[0])], x)
    yield "sum of columns", Sum(columns), [x]
    yield "moments", *region(lambda v: [M.Sum(v[0], columns), M.Sum(M.Square(v[0]), columns)], x)
    yield "relu grad, bias grad", *region(lambda v: both(M.ReluGrad(v[0], v[1]), columns), g, x)
    yield (
        "batch norm grad sums",
        *region(lambda v: [M.Sum(v[0], columns), M.Sum(v[0] * (v[1] - v[2]), columns)], g, x, c),
    )
    yield "sum of rows", Sum(row), [x]
    yield "sum of exp of rows", *region(lambda v: [M.Sum(M.Exp(v[0]), row)], x)
    yield "sum of squares", *region(lambda v: [M.Sum(M.Square(v[0]), None)], x)
    yield "mean of the middle", Mean((1, 2)[: len(shape) - 2] or (1,)), [x]


def both(value: Any, axes: tuple[int, ...]) -> list[Any]:
    return [value, M.Sum(value, axes)]


class Values:
    """Ops on values of a program by their names; + − * are ops, too."""

    def __getattr__(self, name: str) -> Any:
        kind = REGISTRY[name]
        return lambda *args: self.apply(
            kind(*(a for a in args if not isinstance(a, Node))), *(a for a in args if isinstance(a, Node))
        )

    def apply(self, op: Op, *args: Node) -> Node:
        return Node(args[0].builder, Value(args[0].builder.add(op, [a.value for a in args]), 0))


M = Values()


class Node:
    """A value under construction."""

    def __init__(self, builder: Builder, value: Value) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Node) -> Node:
        return M.Add(self, other)

    def __sub__(self, other: Node) -> Node:
        return M.Sub(self, other)

    def __mul__(self, other: Node) -> Node:
        return M.Mul(self, other)


def region(make: Callable[[list[Node]], list[Node]], *inputs: np.ndarray) -> tuple[Op, list[np.ndarray]]:
    """The loop that computes some values of the inputs."""
    builder, types = Builder(), tuple(map(type_of, inputs))
    feeds = [Node(builder, Value(builder.add(Feed(n, t)), 0)) for n, t in enumerate(types)]
    results = tuple(node.value for node in make(feeds))
    program = Program(reachable(v.instr for v in results), results, types)
    return Loop(program, inputs[0].shape), list(inputs)


def measure(op: Op, inputs: list[np.ndarray], seconds: float) -> dict[str, float]:
    """Milliseconds of a launch, and of printing and compiling its code."""
    types = [type_of(a) for a in inputs]
    op, kept = op.specialise(types, [None] * len(types)) if not op.draws else (op, range(len(types)))
    inputs, types = [inputs[i] for i in kept], [types[i] for i in kept]
    out_types = op.infer(*types)
    outputs = [np.empty(t.static, t.dtype.np_dtype) for t in out_types]
    outputs[len(outputs) - len(op.writes) :] = [inputs[i] for i in op.writes]
    started = time.perf_counter()
    native = lower(op, types, out_types, LoweringContext(1))
    assert native is not None
    calls = native.calls((True,) * len(outputs))
    texts = [str(call.text) for call in calls]
    printed = time.perf_counter() - started
    started = time.process_time()
    for text in texts:
        codegen.object_code(text, *compiler.host()[:2])
    compiled = time.process_time() - started
    work = np.zeros(native.workspace + 64, np.uint8)
    arrays: dict[str, Any] = {"in": inputs, "out": outputs}
    bound = []
    for call in calls:
        pointers = [
            (work if p.kind == "work" else arrays[p.kind][p.position]).ctypes.data + p.offset for p in call.args
        ]
        (address,) = compiler.load(call.text, call.name)
        bound.append((FUNCTION(address), (ctypes.c_void_p * len(pointers))(*pointers), call.tasks))
    least: dict[tuple[int, int], float] = {}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(least) == 0:
        for number, (function, block, tasks) in enumerate(bound):
            parts = min(16, tasks)
            for part in range(parts):
                begin = time.perf_counter()
                function(block, tasks * part // parts, tasks * (part + 1) // parts, 0)
                taken = time.perf_counter() - begin
                least[number, part] = min(least.get((number, part), taken), taken)
    return {"run": sum(least.values()) * 1e3, "print": printed * 1e3, "compile": compiled * 1e3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="measure the kernels whose name has this text")
    parser.add_argument("--seconds", type=float, default=1.0, help="of timing for each kernel")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    found = {}
    for name, op, inputs in itertools.chain(loops(), cases()):
        if options.only in name:
            found[name] = measure(op, inputs, options.seconds)
            times = "".join(f"{found[name][key]:10.3f}" for key in ("run", "print", "compile"))
            print(f"{name:52}{times} ms", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
