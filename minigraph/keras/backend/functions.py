"""What depends on a run: functions, gradients, the learning phase, and parts of networks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from minigraph import nn
from minigraph.autodiff.gradients import gradients as _gradients
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype
from minigraph.core.graph import Tensor
from minigraph.keras.state import data_format_of, get_session, learning_phase, phase_feeds
from minigraph.ops.array.indexed_slices import IndexedSlices
from minigraph.ops.control.branches import cond
from minigraph.ops.control.checks import Print_
from minigraph.ops.identity import stop_gradient as _stop_gradient
from minigraph.ops.math.casting import cast as _cast
from minigraph.ops.math.selection import where
from minigraph.util.nest import listed

__all__ = [
    "bias_add",
    "dropout",
    "function",
    "gradients",
    "in_test_phase",
    "in_top_k",
    "in_train_phase",
    "name_scope",
    "print_tensor",
    "stop_gradient",
    "switch",
]


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
    """Make a function from arrays to arrays of the graph between some tensors.

    Args:
        inputs: The tensors that are fed. One of them may be the learning phase.
        outputs: The tensors to compute: one, or a list.
        updates: Assignments that each call runs, too; None for none.
        name: TensorFlow's argument, which has no effect.

    Returns:
        A function of the list of arrays for `inputs`, which returns the arrays of `outputs` in their structure.

    Example:
        >>> K = tf.keras.backend
        >>> x = K.placeholder((None,))
        >>> print(K.function([x], [2.0 * x])([[1.0, 2.0]])[0])
        [2. 4.]
    """
    return Function(inputs, outputs, updates)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Choose between two values by whether the graph trains.

    Args:
        x: Tensor, or function without arguments that makes it, for training.
        alt: The same for inference.
        training: A bool, or a bool scalar tensor; None for the learning phase.

    Returns:
        The chosen value; a tensor that chooses when it runs if `training` is one.

    Example:
        >>> K = tf.keras.backend
        >>> float(K.eval(K.in_train_phase(K.constant(1.0), K.constant(0.0))))
        0.0
    """
    training = learning_phase() if training is None else training
    if not isinstance(training, Tensor):
        chosen = x if training else alt
        return chosen() if callable(chosen) else chosen
    return switch(training, x, alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Choose between two values by whether the graph is used for inference.

    Args:
        x: Tensor, or function without arguments that makes it, for inference.
        alt: The same for training.
        training: A bool, or a bool scalar tensor; None for the learning phase.

    Returns:
        The chosen value; a tensor that chooses when it runs if `training` is one.

    Example:
        >>> K = tf.keras.backend
        >>> float(K.eval(K.in_test_phase(K.constant(1.0), K.constant(0.0))))
        1.0
    """
    return in_train_phase(alt, x, training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Choose between two tensors by a condition.

    Args:
        condition: A scalar, or a tensor that chooses element by element.
        then_expression: Tensor, or function without arguments that makes it, where the condition holds.
        else_expression: The same where it does not hold.

    Returns:
        The chosen tensor. With a scalar only the chosen function's nodes run.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.switch(K.constant([True, False], "bool"), K.constant([1.0, 2.0]), K.constant([3.0, 4.0]))))
        [1. 4.]
    """
    yes, no = (e if callable(e) else (lambda e=e: e) for e in (then_expression, else_expression))
    condition = convert_to_tensor(condition)
    if condition.type.rank == 0:
        return cond(_cast(condition, as_dtype("bool")), yes, no)
    return where(condition, yes(), no())


def gradients(loss: Any, variables: Any) -> list[Tensor | IndexedSlices | None]:
    """The gradients of a loss.

    Args:
        loss: A tensor, whose elements are added up.
        variables: Tensors or variables.

    Returns:
        For each of them a tensor, or `tf.IndexedSlices` where only rows of it are looked up; None where the loss does
        not depend on it.

    Example:
        >>> K = tf.keras.backend
        >>> x = K.variable([1.0, 2.0])
        >>> print(K.eval(K.gradients(K.sum(x * x), [x])[0]))
        [2. 4.]
    """
    return _gradients(loss, variables)


def stop_gradient(variables: Any) -> Any:
    """The same values, through which no gradient flows.

    Args:
        variables: A tensor, or a list of them.

    Returns:
        A tensor, or a list of them.

    Example:
        >>> K = tf.keras.backend
        >>> x = K.variable(3.0)
        >>> float(K.eval(K.gradients(x * K.stop_gradient(x), [x])[0]))
        3.0
    """
    if isinstance(variables, list | tuple):
        return [_stop_gradient(v) for v in variables]
    return _stop_gradient(variables)


def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> AbstractContextManager[str]:
    """A name scope of the default graph.

    Args:
        name: The scope's name.
        default_name: The name if `name` is None or empty.
        values: TensorFlow's argument, which has no effect.

    Returns:
        A context manager.

    Example:
        >>> with tf.keras.backend.name_scope("top"):
        ...     print(tf.constant(1.0, name="one").name)
        top/one:0
    """
    return get_default_graph().name_scope(name or default_name)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Tensor:
    """Set a random share of the elements to 0, and divide the others by the rest of the share.

    Args:
        x: Tensor, or an array that becomes one.
        level: The probability that an element is set to 0, in [0, 1).
        noise_shape: Shape of the random mask, which is broadcast to `x`; None for that of `x`.
        seed: Seed of the op; see `tf.set_random_seed`.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> K.dropout(K.ones((2, 3)), 0.5).shape.as_list()
        [2, 3]
    """
    return nn.dropout(x, noise_shape=noise_shape, seed=seed, rate=level)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """Add a vector to the channels.

    Args:
        x: Tensor [N,…,C], or [N,C,…] with "channels_first".
        bias: Vector [C].
        data_format: "channels_last" or "channels_first"; None for that of `image_data_format`.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.bias_add(tf.zeros([1, 2, 2]), [1.0, 2.0])))
        [[[1. 2.]
          [1. 2.]]]
    """
    return nn.bias_add(x, bias, "NCHW" if data_format_of(data_format) == "channels_first" else "NHWC")


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Whether each target is among the classes of the k largest predictions.

    Args:
        predictions: Floating-point tensor [N,C].
        targets: Indices of classes [N].
        k: How many predictions count.

    Returns:
        A bool tensor [N].

    Example:
        >>> K = tf.keras.backend
        >>> print(K.eval(K.in_top_k([[0.2, 0.5, 0.3]], [2], 2)))
        [ True]
    """
    return nn.in_top_k(predictions, targets, k)


def print_tensor(x: Any, message: str = "") -> Tensor:
    """The tensor itself, which is printed on standard error when it is computed.

    Args:
        x: Tensor, or an array that becomes one.
        message: Text before the numbers.

    Returns:
        A tensor equal to `x`.

    Example:
        >>> K = tf.keras.backend
        >>> float(K.eval(2.0 * K.print_tensor(K.constant(3.0), "x = ")))
        6.0
    """
    return Print_(x, [x], message)
