"""Keras's backend functions: `from minigraph.keras import backend as K`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from minigraph import math, nn
from minigraph.autodiff.gradients import dense_gradients as _gradients
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype
from minigraph.core.graph import Tensor
from minigraph.keras.state import *
from minigraph.keras.state import floatx, get_session, learning_phase, phase_feeds, state_of
from minigraph.ops.array import shape as shapes
from minigraph.ops.array.joining import concat
from minigraph.ops.array.joining import stack as _stack
from minigraph.ops.array.one_hot import one_hot as _one_hot
from minigraph.ops.array.reshape import expand_dims as _expand_dims
from minigraph.ops.array.reshape import reshape as _reshape
from minigraph.ops.array.reshape import squeeze as _squeeze
from minigraph.ops.array.reshape import tile as _tile
from minigraph.ops.array.reshape import transpose as _transpose
from minigraph.ops.array.reversal import reverse as _reverse
from minigraph.ops.constant import constant as _constant
from minigraph.ops.constant import placeholder as _placeholder
from minigraph.ops.control.branches import cond
from minigraph.ops.control.checks import Print_
from minigraph.ops.filling import ones_like as _ones_like
from minigraph.ops.filling import zeros_like as _zeros_like
from minigraph.ops.identity import stop_gradient as _stop_gradient
from minigraph.ops.math.algebra import tensordot
from minigraph.ops.math.casting import cast as _cast
from minigraph.ops.math.clipping import clip_by_value
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.selection import where
from minigraph.ops.random import distributions as _draws
from minigraph.run.variables import Variable, assign, assign_add, assign_sub
from minigraph.util.nest import listed

# variables and their values


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A new variable, which gets its value before a model runs."""
    kind = as_dtype(dtype or floatx())
    start = value if isinstance(value, Tensor) else np.asarray(value, kind.np_dtype)
    made = Variable(start, name=name, dtype=kind, constraint=constraint)
    state_of(made.graph).track([made])
    return made


def pow(x: Any, a: Any) -> Tensor:
    """x to the power of a."""
    return math.pow(x, a)


def get_value(x: Any) -> Any:
    """The value of a variable."""
    return get_session().run(x)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of variables."""
    return list(get_session().run(list(tensors))) if tensors else []


def set_value(x: Variable, value: Any) -> None:
    """Set a variable."""
    batch_set_value([(x, value)])


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Set variables, given with their values."""
    values = {v.op.name: np.asarray(value, v.dtype.np_dtype) for v, value in tuples}
    get_session().write_state(values)


def eval(x: Any) -> Any:
    """The value of a tensor."""
    return get_session().run(x)


def count_params(x: Any) -> int:
    """The number of elements of a variable or tensor of known shape."""
    return int(np.prod(convert_to_tensor(x).type.static))


def update(x: Variable, new_x: Any) -> Tensor:
    """Assign a value to a variable."""
    return assign(x, new_x)


def update_add(x: Variable, increment: Any) -> Tensor:
    """Add to a variable."""
    return assign_add(x, increment)


def update_sub(x: Variable, decrement: Any) -> Tensor:
    """Subtract from a variable."""
    return assign_sub(x, decrement)


def moving_average_update(x: Variable, value: Any, momentum: Any) -> Tensor:
    """Move a variable towards a value: x −= (x − value)·(1 − momentum)."""
    return assign_sub(x, (x - convert_to_tensor(value)) * (1.0 - momentum))


# functions, and the phase


class Function:
    """A function from arrays to arrays: the graph between some tensors."""

    def __init__(self, inputs: Sequence[Any], outputs: Any, updates: Any = None) -> None:
        self.inputs, self.outputs = list(inputs), outputs
        self.updates = [u.op if isinstance(u, Tensor) else u for u in updates or []]

    def __call__(self, inputs: Any) -> Any:
        """Compute the outputs and run the updates."""
        values = listed(inputs)
        given = zip(self.inputs, values, strict=True)
        feeds = {x: v for x, v in given if not isinstance(x, int)}  # a learning phase that is set is no tensor
        return get_session().run([self.outputs, self.updates], phase_feeds(False) | feeds)[0]


def function(inputs: Sequence[Any], outputs: Any, updates: Any = None, name: str | None = None) -> Function:
    """A function from arrays for `inputs` to the values of `outputs`. One of the inputs may be the learning phase."""
    return Function(inputs, outputs, updates)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, else `alt`; either may be a function. training: by default the learning phase."""
    training = learning_phase() if training is None else training
    if not isinstance(training, Tensor):
        chosen = x if training else alt
        return chosen() if callable(chosen) else chosen
    return switch(training, x, alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` if not in training, else `alt`; either may be a function."""
    return in_train_phase(alt, x, training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One tensor or another, by a condition: a scalar, or one for each element; either may be a function."""
    yes, no = (e if callable(e) else (lambda e=e: e) for e in (then_expression, else_expression))
    condition = convert_to_tensor(condition)
    if condition.type.rank == 0:
        return cond(_cast(condition, as_dtype("bool")), yes, no)
    return where(condition, yes(), no())


def gradients(loss: Any, variables: Any) -> list[Tensor | None]:
    """The gradients of a loss."""
    return _gradients(loss, variables)


def stop_gradient(variables: Any) -> Any:
    """The same tensors; no gradient flows through them."""
    if isinstance(variables, list | tuple):
        return [_stop_gradient(v) for v in variables]
    return _stop_gradient(variables)


def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> AbstractContextManager[str]:
    """A name scope of the default graph."""
    return get_default_graph().name_scope(name or default_name)


# tensors and their types


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False, name: str | None = None,
    ragged: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor that is fed."""
    if sparse or ragged:
        raise NotImplementedError("sparse and ragged tensors are not supported")
    return _placeholder(as_dtype(dtype or floatx()), (None,) * ndim if shape is None and ndim else shape, name)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A constant."""
    return _constant(value, as_dtype(dtype or floatx()), shape, name or "Const")


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return variable(np.ones(shape), dtype, name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of a tensor."""
    return _zeros_like(x, dtype, name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of a tensor."""
    return _ones_like(x, dtype, name)


def cast(x: Any, dtype: Any) -> Tensor:
    """The numbers in another dtype."""
    return _cast(x, as_dtype(dtype))


def cast_to_floatx(x: Any) -> Any:
    """An array or tensor in the dtype that `floatx` names."""
    return cast(x, floatx()) if isinstance(x, Tensor | Variable) else np.asarray(x, floatx())


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return str(convert_to_tensor(x).dtype.name)


def ndim(x: Any) -> int | None:
    """The number of axes; None if it is unknown."""
    return convert_to_tensor(x).type.rank


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The sizes, None for unknown ones; None if their number is unknown."""
    return convert_to_tensor(x).type.shape


def shape(x: Any) -> Tensor:
    """The sizes as a tensor."""
    return shapes.shape(x)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Random numbers of a normal distribution."""
    return _draws.random_normal(shape, mean, stddev, as_dtype(dtype or floatx()), seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Random numbers between two bounds."""
    return _draws.random_uniform(shape, minval, maxval, as_dtype(dtype or floatx()), seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Random numbers of a normal distribution that is cut off at two standard deviations."""
    return _draws.truncated_normal(shape, mean, stddev, as_dtype(dtype or floatx()), seed)


# arithmetic


def dot(x: Any, y: Any) -> Tensor:
    """The product over the last axis of `x` and the one before the last of `y`."""
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    if x.type.rank == y.type.rank == 2:
        return matmul(x, y)
    return tensordot(x, y, [[-1], [-2 if (y.type.rank or 0) > 1 else 0]])


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum along axes."""
    return math.reduce_sum(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product along axes."""
    return math.reduce_prod(x, axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum along axes."""
    return math.reduce_max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The minimum along axes."""
    return math.reduce_min(x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean along axes. Of bools in the dtype that `floatx` names."""
    x = convert_to_tensor(x)
    return math.reduce_mean(cast(x, floatx()) if x.dtype.name == "bool" else x, axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance along axes."""
    return math.reduce_variance(x, axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation along axes."""
    return math.reduce_std(x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether some element is not zero, along axes."""
    return math.reduce_any(cast(x, "bool"), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether no element is zero, along axes."""
    return math.reduce_all(cast(x, "bool"), axis, keepdims)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """The elements between two bounds."""
    return clip_by_value(x, min_value, np.inf if max_value is None else max_value)


def sqrt(x: Any) -> Tensor:
    """The root; 0 for negative numbers."""
    return math.sqrt(clip_by_value(x, 0.0, np.inf))


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """The vectors along an axis divided by their lengths."""
    return nn.l2_normalize(x, axis)


abs, square, exp, log, sign = math.abs, math.square, math.exp, math.log, math.sign
round, sin, cos, maximum, minimum = math.round, math.sin, math.cos, math.maximum, math.minimum
equal, not_equal, greater, greater_equal = math.equal, math.not_equal, math.greater, math.greater_equal
less, less_equal = math.less, math.less_equal
cumsum, cumprod = math.cumsum, math.cumprod


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The place of the largest element along an axis."""
    return math.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The place of the smallest element along an axis."""
    return math.argmin(x, axis)


# shapes


def reshape(x: Any, shape: Any) -> Tensor:
    """The elements in another shape."""
    return _reshape(x, shape)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors joined along an axis."""
    return concat(tensors, axis)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    return _stack(x, axis)


def flatten(x: Any) -> Tensor:
    """All elements in one axis."""
    return _reshape(x, [-1])


def batch_flatten(x: Any) -> Tensor:
    """All axes but the first joined."""
    x = convert_to_tensor(x)
    dims = x.type.shape or ()
    if None in dims[1:]:
        return _reshape(x, [*shapes.known_dims(x, (0,)), -1])
    return _reshape(x, [-1, int(np.prod(dims[1:]))])


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """A tensor with a new axis of size 1."""
    return _expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """A tensor without an axis of size 1."""
    return _squeeze(x, [axis])


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return _transpose(x, list(pattern))


def transpose(x: Any) -> Tensor:
    """The axes in the opposite order."""
    return _transpose(x)


def tile(x: Any, n: Any) -> Tensor:
    """A tensor repeated along each axis."""
    return _tile(x, [n] if isinstance(n, int) else n)


def reverse(x: Any, axes: Any) -> Tensor:
    """The elements in the opposite order along axes."""
    return _reverse(x, [axes] if isinstance(axes, int) else axes)


def repeat(x: Any, n: int) -> Tensor:
    """The rows of a matrix [N,C] n times: [N,n,C]."""
    return _tile(_expand_dims(x, 1), [1, n, 1])


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element along an axis several times."""
    x = convert_to_tensor(x)
    dims = list(x.type.shape or ())
    axis = axis % len(dims)
    y = _tile(_expand_dims(x, axis + 1), [rep if a == axis + 1 else 1 for a in range(len(dims) + 1)])
    sizes = shapes.known_dims(x, range(len(dims)))
    sizes[axis] = sizes[axis] * rep
    made = _reshape(y, sizes)
    made.set_shape([None if d is None else d * rep if a == axis else d for a, d in enumerate(dims)])
    return made


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Indices as rows that are 1 at the index."""
    return _one_hot(indices, num_classes)


def gather(reference: Any, indices: Any) -> Tensor:
    """The rows of the given indices."""
    return nn.embedding_lookup(reference, indices)


# networks


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Tensor:
    """Set a random share of the elements to 0 and divide the others by the rest."""
    return nn.dropout(x, noise_shape=noise_shape, seed=seed, rate=level)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """Add a vector to the channels."""
    return nn.bias_add(x, bias, "NCHW" if data_format == "channels_first" else "NHWC")


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Whether each target is among the k largest predictions."""
    return nn.in_top_k(predictions, targets, k)


def print_tensor(x: Any, message: str = "") -> Tensor:
    """The tensor, which is printed when it is computed."""
    return Print_(x, [x], message)
