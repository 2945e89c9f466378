"""SympyBackend: buffers of expressions, and the ops' references on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.backend.base import Backend, Launch, Lowered, Types
from minigraph.backends.sympy.arrays import xp
from minigraph.backends.sympy.expressions import evaluate
from minigraph.backends.sympy.rules import RULES
from minigraph.backends.sympy.symbols import Array, exact, is_number, numbers
from minigraph.core.errors import BackendError, InvalidArgumentError, OpError
from minigraph.core.op import Op
from minigraph.core.scalar import operand
from minigraph.core.types import TensorType
from minigraph.ir.program import Feed, Value
from minigraph.ir.regions import Blocked
from minigraph.ops.state.update import Apply

LIMIT = 1024  # most elements of a tensor; expressions of larger ones take minutes and are unreadable
MOVED_BYTES = 1 << 22  # most bytes of the arena, which holds one expression per byte


class SympyBackend(Backend):
    """Runs plans on exact numbers and symbols.

    Feeds may be arrays, lists or single values of SymPy expressions and numbers; results are object arrays. The plan's
    layout is kept: a buffer holds one expression per byte, and an element lies at its first byte, so values share
    buffers as on other backends. Raises BackendError for tensors of more than LIMIT elements.
    """

    name = "sympy"
    symbolic = True
    # Folded constants have the precision of their dtype, and the rules cover single ops, not regions.
    unwanted_passes = (
        "constant_folding",
        "remove_dropout",
        "winograd",
        "fuse_pointwise",
        "fuse_epilogue",
        "fuse_blocks",
    )

    def allocate(self, nbytes: int) -> Array:
        if nbytes > MOVED_BYTES:
            raise BackendError(f"the sympy backend is for small graphs: this one needs {nbytes:,} bytes at once")
        return np.empty(nbytes, object)

    def view(self, buffer: Array, offset: int, type: TensorType) -> Array:
        return buffer[offset : offset + type.nbytes : type.dtype.size].reshape(type.static)

    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        for kind in (*in_types, *out_types):
            if kind.size > LIMIT:
                raise BackendError(
                    f"the sympy backend is for small graphs: {type(op).__name__} has a tensor {kind} of "
                    f"{kind.size:,} elements, and the limit is {LIMIT:,}"
                )

        def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
            def launch() -> None:
                results = _compute(op, in_types, inputs)  # compute all first, as a result may share an input's buffer
                for target, result in zip(outputs, results, strict=True):
                    if target is not None:
                        np.copyto(target, result)

            return launch

        return Lowered(bind)

    def write(self, array: Array, value: Any) -> None:
        np.copyto(array, exact(value))

    def read(self, array: Array) -> Any:
        """A copy; the expression itself if the array has no axes."""
        return np.array(array)[()]


def _compute(op: Op, types: Types, arrays: Sequence[Array]) -> list[Array]:
    """The op on expressions: by its rule, by its scalar expression, or by its reference."""
    if isinstance(op, Blocked):
        return _region(op, arrays)
    if op.on_host:
        return _on_numbers(op, types, arrays)
    operands = [_operand(a, t) for a, t in zip(arrays, types, strict=True)]
    rule = next((RULES[kind] for kind in type(op).__mro__ if kind in RULES), None)
    try:
        if rule is not None:
            results = rule(op, *map(exact, operands))
        elif op.is_pointwise(types):
            expression = op.expr(*(operand(i, t.dtype) for i, t in enumerate(types)))
            results = [evaluate(expression, list(map(exact, operands)))]
        elif isinstance(op, Apply):
            formulas = op.step(*(operand(i, t.dtype) for i, t in enumerate(types)))
            results = [evaluate(formula, list(map(exact, operands))) for formula in formulas]
        else:
            results = op.forward(xp, *operands)
    except OpError:
        raise
    except (AttributeError, TypeError) as error:
        if all(is_number(e) for a in arrays for e in a.flat):
            return _on_numbers(op, types, arrays)
        raise InvalidArgumentError(f"{type(op).__name__} cannot be computed on symbols: {error}") from error
    return [exact(r) for r in results]


def _on_numbers(op: Op, types: Types, arrays: Sequence[Array]) -> list[Array]:
    """The op's reference. Raises InvalidArgumentError if an operand has symbols."""
    what = f"an operand of {type(op).__name__}"
    known = [numbers(a, t.dtype.np_dtype, what) for a, t in zip(arrays, types, strict=True)]
    return [exact(r) for r in op.reference(*known)]


def _operand(array: Array, type: TensorType) -> Array:
    """Indices, sizes and masks as plain numbers where they are known."""
    if type.dtype.is_floating or not all(is_number(e) for e in array.flat):
        return array
    return numbers(array, type.dtype.np_dtype, "an operand")


def _region(op: Blocked, arrays: Sequence[Array]) -> list[Array]:
    values: dict[Value, Array] = {}
    for instr in op.program.instrs:
        if isinstance(instr.op, Feed):
            values[Value(instr, 0)] = arrays[instr.op.slot]
        else:
            types = [v.type for v in instr.inputs]
            results = _compute(instr.op, types, [values[v] for v in instr.inputs])
            values |= {Value(instr, i): r for i, r in enumerate(results)}
    return [values[v] for v in op.program.results]
