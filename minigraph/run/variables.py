"""Variables: state that a session keeps between runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

import numpy.typing as npt

from minigraph.core import scopes
from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import DType, as_dtype, string
from minigraph.core.errors import DTypeError, GraphError, ShapeError
from minigraph.core.exchange import as_array
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import TensorShape, TensorType
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.ops.builder import apply
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, ReadVariable, VariableV2
from minigraph.run.partial_updates import PartialUpdates
from minigraph.util.html import facts

__all__ = ["Variable", "assign", "assign_add", "assign_sub"]


Constraint: TypeAlias = Callable[[Any], TensorLike]
"""A function from a variable to the value that replaces its own, of the same dtype and shape."""


class Variable(PartialUpdates):
    """A tensor whose value a session keeps between runs.

    A variable has no value in a session until its `initializer` runs, or a checkpoint is restored. In expressions it
    stands for a read of its value. All reads of a run see the value from before the run, unless control dependencies
    say otherwise.

    Args:
        initial_value: A tensor, an array, a number, or a function that makes one. The shape must be known.
        trainable: Whether the variable is in `tf.GraphKeys.TRAINABLE_VARIABLES`, which optimizers train.
        collections: Names of the collections that get the variable; by default `tf.GraphKeys.GLOBAL_VARIABLES`.
        validate_shape: TensorFlow 1's; it has no effect: the shape must be known in any case.
        caching_device: TensorFlow 1's; it has no effect: a session has one device.
        name: Name of the variable, made unique; by default `Variable`.
        variable_def, import_scope: Not supported; they must be None. See `tf.train.import_meta_graph`.
        dtype: The dtype; by default that of `initial_value`.
        expected_shape, shape: The shape that `initial_value` must have; None for any.
        constraint: Function from the variable to the value that optimizers assign to it after each update, such as its
            projection onto a norm ball.
        use_resource: TensorFlow 1's; it has no effect: both kinds of variables behave alike.
        synchronization, aggregation: TensorFlow 1's; they have no effect: a session has one copy of each variable.

    Raises:
        ValueError: `initial_value` is None, its shape is not known, an argument is not supported, or `constraint` is
            not a function.
        ShapeError: `initial_value` has another shape than `expected_shape` or `shape`.
        DTypeError: `initial_value` is not of the dtype.

    Example:
        >>> count = tf.Variable(0, trainable=False, name="count")
        >>> increment = count.assign_add(1)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     for _ in range(3):
        ...         print(sess.run(increment))
        1
        2
        3
    """

    def __init__(
        self,
        initial_value: TensorLike | Callable[[], TensorLike] | None = None,
        trainable: bool = True,
        collections: Iterable[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: None = None,
        dtype: DTypeLike | None = None,
        expected_shape: ShapeLike = None,
        import_scope: None = None,
        constraint: Constraint | None = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: ShapeLike = None,
    ) -> None:
        refuse("tf.Variable", variable_def=variable_def, import_scope=import_scope)
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        graph = get_default_graph()
        kind = None if dtype is None else as_dtype(dtype)
        with graph.control_dependencies(None), graph.name_scope(name or "Variable") as scope:
            if callable(initial_value):
                with graph.name_scope("Initializer"):
                    initial = convert_to_tensor(initial_value(), kind)
            else:
                initial = convert_to_tensor(initial_value, kind, name="initial_value")
            if initial.dtype is string:
                raise DTypeError(f"variables hold numbers, not strings: {initial!r}")
            if not initial.type.is_static:
                raise ValueError(f"initial_value must have a shape specified: {initial!r}")
            for wanted in (expected_shape, shape):
                if wanted is not None and not initial.shape.is_compatible_with(wanted):
                    raise ShapeError(f"initial_value has the shape {initial.shape}, not {TensorShape(wanted)}")
            node = graph.add(VariableV2(initial.type, scope[:-1]), (), scope)
            self.ref: Tensor = node.outputs[0]
            self.initializer: Node = graph.add(Assign(), (self.ref, initial), "Assign")
            self._snapshot = apply(ReadVariable(), self.ref, name="read")
        self.initial_value = initial
        self.trainable = trainable
        self.constraint = constraint
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if trainable and GraphKeys.TRAINABLE_VARIABLES not in keys:
            keys.append(GraphKeys.TRAINABLE_VARIABLES)
        for key in keys:
            graph.add_to_collection(key, self)

    @classmethod
    def from_parts(
        cls, ref: Tensor, initializer: Node, initial_value: Tensor, snapshot: Tensor, trainable: bool
    ) -> Variable:
        """Make a variable of nodes that are in the graph already. It is in no collection.

        Args:
            ref: The tensor of the variable's buffer.
            initializer: The operation that assigns the initial value.
            initial_value: The initial value.
            snapshot: The read that the variable stands for.
            trainable: Whether the variable counts as trainable.

        Returns:
            The variable.
        """
        self = cls.__new__(cls)
        self.ref = ref
        self.initializer = initializer
        self._snapshot = snapshot
        self.initial_value = initial_value
        self.trainable = trainable
        self.constraint = None
        return self

    @property
    def op(self) -> Node:
        """The node of the variable's buffer."""
        return self.ref.node

    @property
    def device(self) -> str:
        """An empty string: a session runs the whole graph on its backend."""
        return ""

    @property
    def graph(self) -> Graph:
        """The graph of the variable."""
        return self.ref.graph

    @property
    def name(self) -> str:
        """The name of the buffer's tensor, such as `w:0`."""
        return self.ref.name

    @property
    def dtype(self) -> DType:
        """The dtype."""
        return self.ref.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return self.ref.shape

    @property
    def type(self) -> TensorType:
        """The dtype and shape."""
        return self.ref.type

    def get_shape(self) -> TensorShape:
        """Give the shape.

        Returns:
            The shape, as the property `shape`.
        """
        return self.ref.shape

    def initialized_value(self) -> Tensor:
        """Give the initial value, from which another variable's initial value can be made.

        Returns:
            A tensor.
        """
        self.graph.reserve_ids(9)  # TensorFlow's condition that chooses between the value and the initial value
        return self.initial_value

    def value(self) -> Tensor:
        """Give a read of the variable that no control dependencies delay.

        Returns:
            A tensor.
        """
        return self._snapshot

    def as_graph_tensor(self) -> Tensor:
        """Give the tensor that the variable stands for in expressions.

        Returns:
            Inside `tf.control_dependencies` a read that comes after them, elsewhere `value()`.
        """
        return self.read_value(name="read") if self.graph.has_control else self._snapshot

    def read_value(self, name: str = "read") -> Tensor:
        """Make a read that comes after the control dependencies that are active now.

        Args:
            name: Name of the node.

        Returns:
            A tensor.
        """
        return apply(ReadVariable(), self.ref, name=name)

    def assign(
        self, value: TensorLike, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Make an assignment; see `tf.assign`.

        Args:
            value: The new value, of the variable's dtype and shape.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.
            read_value: Whether to return a tensor; else the operation is returned.

        Returns:
            A tensor: the value after the assignment.
        """
        made = assign(self, value, name=name)
        return made if read_value else cast(Any, made.op)

    def assign_add(
        self, delta: TensorLike, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Make an addition to the variable; see `tf.assign_add`.

        Args:
            delta: The value to add, of the variable's dtype and shape.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.
            read_value: Whether to return a tensor; else the operation is returned.

        Returns:
            A tensor: the value after the addition.
        """
        made = assign_add(self, delta, name=name)
        return made if read_value else cast(Any, made.op)

    def assign_sub(
        self, delta: TensorLike, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Make a subtraction from the variable; see `tf.assign_sub`.

        Args:
            delta: The value to subtract, of the variable's dtype and shape.
            use_locking: TensorFlow 1's; it has no effect.
            name: Name of the node.
            read_value: Whether to return a tensor; else the operation is returned.

        Returns:
            A tensor: the value after the subtraction.
        """
        made = assign_sub(self, delta, name=name)
        return made if read_value else cast(Any, made.op)

    def eval(self, session: scopes.SessionLike | None = None) -> Any:
        """Read the value in a session.

        Args:
            session: The session; by default the default session.

        Returns:
            An array, or a NumPy scalar.

        Raises:
            ValueError: There is no session.
            FailedPreconditionError: The variable has no value yet.
        """
        return scopes.session_for(session).run(self)

    def load(self, value: npt.ArrayLike, session: scopes.SessionLike | None = None) -> None:
        """Set the value in a session, without a node for it.

        Args:
            value: The value, of the variable's shape; it is cast to the dtype. An array on the GPU of the
                session does not go through the host.
            session: The session; by default the default session.

        Raises:
            ValueError: There is no session.
            GraphError: The variable is of another graph than the session.
        """
        target = scopes.session_for(session)
        if target.graph is not self.graph:
            raise GraphError(f"{self!r} is not in the session's graph.")
        target.write_state({self.op.name: as_array(value, self.dtype.np_dtype, target.backend.import_array)})

    def _repr_html_(self) -> str:
        """The form that a notebook shows."""
        rows = {
            "shape": self.shape,
            "dtype": self.dtype.name,
            "elements": f"{self.type.size:,}, {self.type.nbytes:,} bytes",
            "trainable": "yes" if self.trainable else "no",
            "initial value": f"{self.initial_value.name} ({self.initial_value.op.type})",
            "made at": self.op.source.describe(),
        }
        return facts(f"Variable {self.name}", rows)

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}_ref>"


def _updated(op: Any, ref: Any, value: Any, name: str | None, default: str) -> Tensor:
    if not isinstance(ref, Variable):
        raise TypeError(f"{default} needs a tf.Variable, not {ref!r}")
    graph = ref.graph
    with graph.as_default(), graph.name_scope(name or default) as scope:
        tensor = convert_to_tensor(value, ref.dtype, name="value")
        return graph.add(op, (ref.ref, tensor), scope).outputs[0]


def assign(
    ref: Variable | Tensor,
    value: TensorLike,
    validate_shape: Any = None,
    use_locking: Any = None,
    name: str | None = None,
) -> Tensor:
    """Make an assignment: ref = value.

    Args:
        ref: The variable, or a slice of one, such as `v[1:3]`.
        value: The new value, of the variable's dtype and shape.
        validate_shape: TensorFlow 1's; it has no effect: a variable keeps its shape.
        use_locking: TensorFlow 1's; it has no effect: no update is lost without it.
        name: Name of the node.

    Returns:
        A tensor: the value after the assignment. Running it assigns.

    Raises:
        TypeError: `ref` is neither a variable nor a slice of one.
        ShapeError: The shapes differ.
        DTypeError: The dtypes differ.

    Example:
        >>> w = tf.Variable(1.0)
        >>> double = tf.assign(w, w * 2)
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     print(sess.run(double))
        2.0
    """
    if isinstance(ref, Tensor):
        return ref.assign(value, name=name)
    return _updated(Assign(), ref, value, name, "Assign")


def assign_add(ref: Variable, value: TensorLike, use_locking: Any = None, name: str | None = None) -> Tensor:
    """Make an addition to a variable: ref = ref + value.

    Args:
        ref: The variable.
        value: The value to add, of the variable's dtype and shape.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the node.

    Returns:
        A tensor: the value after the addition. Running it adds.

    Raises:
        TypeError: `ref` is not a variable.
        ShapeError: The shapes differ.
        DTypeError: The dtypes differ.

    Example:
        >>> w = tf.Variable(1.0)
        >>> increase = tf.assign_add(w, 0.5)
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     print(sess.run(increase))
        1.5
    """
    return _updated(AssignAdd(), ref, value, name, "AssignAdd")


def assign_sub(ref: Variable, value: TensorLike, use_locking: Any = None, name: str | None = None) -> Tensor:
    """Make a subtraction from a variable: ref = ref − value.

    Args:
        ref: The variable.
        value: The value to subtract, of the variable's dtype and shape.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the node.

    Returns:
        A tensor: the value after the subtraction. Running it subtracts.

    Raises:
        TypeError: `ref` is not a variable.
        ShapeError: The shapes differ.
        DTypeError: The dtypes differ.

    Example:
        >>> w = tf.Variable(1.0)
        >>> decrease = tf.assign_sub(w, 0.5)
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     print(sess.run(decrease))
        0.5
    """
    return _updated(AssignSub(), ref, value, name, "AssignSub")
