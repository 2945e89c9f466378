"""Op records: what an operation is, apart from any graph it stands in."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np

from minigraph.core.errors import GradientError
from minigraph.core.moves import Moves, read
from minigraph.core.record import Record
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType
from minigraph.util.blas import SINGLE_THREADED
from minigraph.util.lazy import lazy_property

REGISTRY: dict[str, type[Op]] = {}
_LARGE = 4096  # bytes of a constant
_INTS = {int}


class Sample(NamedTuple):
    """A small case of an op for the generic tests.

    `inputs` are arrays. `smooth` says that the op is differentiable at and around them, so finite differences
    may be taken; `tolerance` is relative, for float64.
    """

    op: Op
    inputs: tuple[Any, ...]
    smooth: bool = True
    tolerance: float = 1e-6


class Batching(NamedTuple):
    """How an application can be done piece by piece along axis 0.

    `cut` says of each input whether it is cut into the pieces or used whole; `sums` says of each output whether it is
    the sum of what the pieces give, rather than their results one after the other.
    """

    cut: tuple[bool, ...]
    sums: tuple[bool, ...]


class Application(NamedTuple):
    """One of the applications that an op stands for."""

    op: Op
    in_types: Sequence[TensorType]
    out_types: Sequence[TensorType]


def attribute_key(value: Any) -> Any:
    """A hashable key that tells 1, True, 1.0 and -0.0 and 0.0 apart."""
    if isinstance(value, float):
        return float, struct.pack("d", value)
    if isinstance(value, np.ndarray | np.generic):
        return type(value), value.dtype.str, value.shape, _content(value)
    if isinstance(value, tuple):
        if _INTS.issuperset(map(type, value)):
            return int, value
        return tuple, tuple(attribute_key(v) for v in value)
    return type(value), value


def _content(array: Any) -> bytes:
    """What tells arrays of one dtype and shape apart; of large ones a digest, as a copy would double their memory."""
    if array.nbytes <= _LARGE:
        return bytes(array.tobytes())
    import hashlib

    return hashlib.blake2b(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).digest()


def in_float32(forward: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """A reference that computes with float32 where its operands are float16, and rounds its results once."""

    @wraps(forward)
    def wide(self: Any, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        if not any(a.dtype == np.float16 for a in arrays):
            return forward(self, xp, *arrays)
        results = forward(self, xp, *(a.astype(np.float32) if a.dtype == np.float16 else a for a in arrays))
        with np.errstate(over="ignore"):
            return tuple(r.astype(np.float16) if r.dtype == np.float32 else r for r in results)

    return wide


class Op(Record):
    """A frozen record of attributes plus the rules of one operation.

    A subclass declares its attributes as annotations (with defaults where it likes) and defines its rules.
    The class name is the op type, as TensorFlow 1 names it.

    Attributes of the class, not of a record:
      stateful: two applications may give different values, or have effects; never merged or folded.
      writes: input positions whose buffer an application updates in place. The last `len(writes)` outputs are
        the new values of these inputs, and share their storage.
      reads: input positions that are variables and are read where they stand (not copied).
      draws: an application draws random numbers; the compiler appends a counter cell to its inputs.
      is_view: output 0 is input 0, element for element in C order, so both can share one buffer.
      differentiable: False where the derivative is zero or undefined by declaration (argmax, comparisons).
      contracts: a sum of products, such as a convolution, whose result is best worked on while it is being made.
      accumulates: it adds up or multiplies many elements. Where they are float16, all backends do so in float32 and
        round each result once; the reference is wrapped accordingly.
      scatters: it writes elements in another order than it reads its operands, so these are never in the buffer that
        it writes.
      on_host: no backend has a kernel for it; all run its reference on the host.
      staged: its results have shapes that depend on values, so that the session runs it between two plans.
      decides: a staged op whose value the plans after it are specialised to, as a constant.
      expands: where its types are static, `expand` spells an application out by other ops.
      outside: it reads or writes files, or calls a function of the user's program. Graphs from files may not hold it,
        unless they are trusted.
      checks: an application can stop the run, or shows a message; it runs even where nothing reads its results.
    """

    stateful: ClassVar[bool] = False
    outside: ClassVar[bool] = False
    writes: ClassVar[tuple[int, ...]] = ()
    reads: ClassVar[tuple[int, ...]] = ()
    draws: ClassVar[bool] = False
    is_view: ClassVar[bool] = False
    differentiable: ClassVar[bool] = True
    contracts: ClassVar[bool] = False
    accumulates: ClassVar[bool] = False
    scatters: ClassVar[bool] = False
    on_host: ClassVar[bool] = False
    staged: ClassVar[bool] = False
    decides: ClassVar[bool] = False
    expands: ClassVar[bool] = False
    checks: ClassVar[bool] = False
    abstract: ClassVar[bool] = False

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__()
        cls.abstract = abstract
        if cls.accumulates and ("forward" in cls.__dict__ or not cast("type[Op]", cls.__mro__[1]).accumulates):
            cls.forward = in_float32(cls.forward)  # type: ignore[method-assign]
        if not abstract:
            if cls.__name__ in REGISTRY:
                raise TypeError(f"an op named {cls.__name__} is already registered")
            REGISTRY[cls.__name__] = cls

    @property
    def has_effect(self) -> bool:
        """Whether an application does more than give its results, so that no rewrite may drop it."""
        return bool(self.writes) or self.checks

    @lazy_property
    def key(self) -> tuple[Any, ...]:
        """The interning key of the record."""
        return (type(self), *(attribute_key(getattr(self, n)) for n in self.fields))

    @lazy_property
    def _hash(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Op) and self._hash == other._hash and self.key == other.key)

    def __hash__(self) -> int:
        return self._hash

    # The rules. Every op has `infer` and `forward`; the others have defaults. (`**_` lets each op name its operands.)

    def infer(self, *types: Any, **_: Any) -> tuple[TensorType, ...]:
        """Output types from input types; unknown dimensions are kept. ShapeError or DTypeError on bad input."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, xp: Any, *arrays: Any, **_: Any) -> tuple[Any, ...]:
        """The reference: output arrays from input arrays, on the array module `xp`. Written for clarity."""
        raise NotImplementedError(type(self).__name__)

    def reference(self, *arrays: Any) -> tuple[Any, ...]:
        """`forward` on NumPy arrays, with BLAS on one thread so that the results do not depend on its threads."""
        with SINGLE_THREADED:
            return self.forward(np, *arrays)

    def vjp(self, node: Any, *grads: Any, **_: Any) -> Sequence[Any]:
        """Gradients for the inputs of a `Node`, as graph tensors, from gradients for its outputs.

        None stands for a gradient that is not wanted, or zero."""
        where = f"node '{node.name}', at {node.source.describe()}"
        raise GradientError(f"no gradient is defined for the op {type(self).__name__} ({where})")

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        """The op with all that the now static input `types` decide made explicit, and the inputs it still reads.

        `consts[i]` is the value of input i where it is known at compile time, else None.
        """
        return self, tuple(range(len(types)))

    def expand(self, inputs: Sequence[Any], consts: Sequence[Any]) -> Sequence[Any]:
        """The results of an application as tensors made of other ops, for an op that `expands`.

        `inputs` are tensors of static types in the default graph; `consts` are as for `specialise`.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be expressed by other ops")

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        """How the op, all types static, can be done piece by piece along axis 0; None where it cannot."""
        return None

    def for_batch(self, size: int) -> Op:
        """The op for a piece of `size` along axis 0."""
        return self

    def renamed(self, name: str) -> Op:
        """The op as an imported node of that name has it."""
        return self

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        """Whether each element of the one output depends on the operands' elements at its place, broadcast as by
        NumPy."""
        return False

    def expr(self, *operands: Scalar) -> Scalar:
        """The output's element from the operands' elements, for an application that is pointwise."""
        raise NotImplementedError(f"{type(self).__name__} has no scalar expression")

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int | None:
        """Floating-point operations of one application, all types static; None where the op does not count them.

        Every addition, multiplication, comparison and elementary function of the mathematical operation counts as
        one, on full windows: nothing is subtracted for padding or for Winograd's algorithm. Integer work, such as
        drawing random bits, does not count.
        """
        if self.is_view or not in_types:
            return 0
        counts = [op.flops(ins, outs) for op, ins, outs in self.made_of(in_types, out_types)]
        return None if not counts or None in counts else sum(c for c in counts if c is not None)

    def arithmetic(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """Floating-point operations that an application takes by its own algorithm, all types static; those of an op
        that does not count them are 0."""
        parts = self.made_of(in_types, out_types)
        return sum(op.arithmetic(*types) for op, *types in parts) if parts else self.flops(in_types, out_types) or 0

    def made_of(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Sequence[Application]:
        """The applications that the op stands for, if the compiler made it of several."""
        return ()

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves | None:
        """How the op, all types static, copies elements, if that is all it does. See `minigraph.core.moves`."""
        return read(in_types[0], lambda x: x.reshape(-1)) if self.is_view else None

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Any:
        """The kernel of the op, all types static, in the loop language: a `loops.kernel.Kernel`; None if it has none.

        The one statement of the computation, which every backend prints. See `minigraph.loops`.
        """
        return None

    def refusal(self, in_types: Sequence[TensorType]) -> Any:
        """The kernel that tells whether the op refuses its operands, all types static: its first result is True, once
        or more, where it does. None for an op that takes all numbers.

        The op's reference raises the error.
        """
        return None

    def refused(self, in_types: Sequence[TensorType], *evidence: Any) -> Exception:
        """The error of an op that refuses its operands, from all results of `refusal`.

        For backends that look for errors only when the operands are gone.
        """
        raise NotImplementedError(type(self).__name__)

    @property
    def tells(self) -> bool:
        """Whether the op gives its error by `refused`."""
        return type(self).refused is not Op.refused

    def summed_axes(self, in_types: Sequence[TensorType]) -> tuple[int, ...] | None:
        """The axes of input 0 that the op sums over, if that is all it does."""
        return None

    def initial_cell(self) -> np.ndarray:
        """The state before the first draw, for ops that draw."""
        raise NotImplementedError(f"{type(self).__name__} draws no random numbers")

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        """Cases for the generic tests; at least one."""
        raise NotImplementedError(f"{cls.__name__} has no sample cases")


def format_attributes(op: Op) -> str:
    """`{strides=(1, 1), padding=SAME}`; arrays by their shape, nothing where there is no attribute."""
    parts = []
    for name in op.fields:
        value = getattr(op, name)
        if isinstance(value, np.ndarray):
            value = value.tolist() if value.size <= 4 else f"<{value.dtype}{list(value.shape)}>"
        parts.append(f"{name}={value}")
    return f" {{{', '.join(parts)}}}" if parts else ""
