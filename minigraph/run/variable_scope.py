"""Variable scopes, and variables that are found by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, float32
from minigraph.core.errors import GraphError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.types import TensorShape, as_shape
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.run.initializers import InitializerLike, glorot_uniform_initializer, zeros_initializer
from minigraph.run.variables import Constraint, Variable
from minigraph.util.nest import listed

__all__ = ["AUTO_REUSE", "VariableScope", "get_variable", "get_variable_scope", "variable_scope"]

AUTO_REUSE: Final = "auto_reuse"
Reuse: TypeAlias = bool | Literal["auto_reuse"] | None
"""Whether `get_variable` finds variables (True), makes them (False), or both (`AUTO_REUSE`); None to inherit."""

Regularizer: TypeAlias = Callable[[Any], Tensor | None]
"""A function from a variable to its penalty, a scalar."""

Getter: TypeAlias = Callable[..., Variable]
"""A function that `get_variable` calls with an inner getter, as `getter`, and TensorFlow 1's arguments, all by name."""


@dataclass(eq=False)
class VariableScope:
    """A prefix of variables' names, and defaults of `get_variable`. `variable_scope` makes and opens it.

    Args:
        name: The prefix, without a slash at its end.
        reuse: Whether `get_variable` must find a variable (True), may find one (`tf.AUTO_REUSE`), or must make one
            (False).
        initializer, regularizer, dtype: The defaults of the arguments of `get_variable`.
        original_name_scope: The name scope that was opened with the scope, with a slash at its end.
        custom_getter: Function that `get_variable` calls in place of its inner part. It gets this part as the argument
            `getter`, and the arguments of `get_variable`, all by name.
        constraint: The default of the argument of `get_variable`.

    Example:
        >>> with tf.variable_scope("block", reuse=tf.AUTO_REUSE) as scope:
        ...     w = tf.get_variable("w", [2])
        >>> scope.name, w.name
        ('block', 'block/w:0')
        >>> scope.trainable_variables() == [w]
        True
    """

    name: str
    reuse: Reuse = False
    initializer: InitializerLike | TensorLike | None = None
    regularizer: Regularizer | None = None
    original_name_scope: str = ""
    dtype: DTypeLike = float32
    custom_getter: Getter | None = None
    constraint: Constraint | None = None

    def reuse_variables(self) -> None:
        """Make `get_variable` find variables from here on, in place of making them."""
        self.reuse = True

    def set_initializer(self, initializer: InitializerLike | TensorLike | None) -> None:
        """Set the default of the argument `initializer` of `get_variable`.

        Args:
            initializer: The default.
        """
        self.initializer = initializer

    def set_regularizer(self, regularizer: Regularizer | None) -> None:
        """Set the default of the argument `regularizer` of `get_variable`.

        Args:
            regularizer: The default.
        """
        self.regularizer = regularizer

    def set_dtype(self, dtype: DTypeLike) -> None:
        """Set the default of the argument `dtype` of `get_variable`.

        Args:
            dtype: The default.
        """
        self.dtype = as_dtype(dtype)

    def set_custom_getter(self, custom_getter: Getter | None) -> None:
        """Set the function that `get_variable` calls in place of its inner part.

        Args:
            custom_getter: The function.
        """
        self.custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """List the items of a collection that are in the scope.

        Args:
            name: Name of the collection.

        Returns:
            The items whose names begin with the scope's.
        """
        return get_default_graph().get_collection(name, f"{self.name}/" if self.name else None)

    def global_variables(self) -> list[Variable]:
        """List the global variables in the scope.

        Returns:
            The variables.
        """
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list[Variable]:
        """List the trainable variables in the scope.

        Returns:
            The variables.
        """
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def local_variables(self) -> list[Variable]:
        """List the local variables in the scope.

        Returns:
            The variables.
        """
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)


def _store(graph: Graph) -> tuple[dict[str, Variable], list[VariableScope]]:
    return graph.stores.setdefault("variables", ({}, [VariableScope("")]))  # type: ignore[no-any-return]


def scoped_name(name: str) -> str:
    """The name, below the open variable scope, of a variable that belongs to another one, such as a slot."""
    scope = get_variable_scope().name
    return f"{scope}/{name}" if scope else name


def get_variable_scope() -> VariableScope:
    """Give the innermost open variable scope of the default graph.

    Returns:
        The scope; outside of all scopes one with an empty name.

    Example:
        >>> with tf.variable_scope("a"), tf.variable_scope("b"):
        ...     print(tf.get_variable_scope().name)
        a/b
    """
    return _store(get_default_graph())[1][-1]


@contextmanager
def variable_scope(
    name_or_scope: str | VariableScope | None,
    default_name: str | None = None,
    values: Any = None,
    initializer: InitializerLike | TensorLike | None = None,
    regularizer: Regularizer | None = None,
    caching_device: Any = None,
    partitioner: None = None,
    custom_getter: Getter | None = None,
    reuse: Reuse = None,
    dtype: DTypeLike | None = None,
    use_resource: bool | None = None,
    constraint: Constraint | None = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Open a scope that prefixes the names of `get_variable` and of nodes, in a `with` block.

    Args:
        name_or_scope: Name of the scope, or a scope to open again. None takes `default_name`.
        default_name: Name that is made unique, such as `conv2d`, `conv2d_1`, …
        values: Tensors, or values that can be converted to some. The scope is opened in the graph of the tensors; by
            default in the default graph.
        initializer, regularizer, dtype: Defaults of the arguments of `get_variable`; None to inherit those of the scope
            around it.
        constraint: Default of the argument of `get_variable`. As in TensorFlow 1, scopes inside do not inherit it.
        caching_device: TensorFlow 1's; it has no effect: a session has one device.
        partitioner: Not supported; it must be None.
        reuse: True to find variables, `tf.AUTO_REUSE` to find or make them; None or False to inherit.
        use_resource: TensorFlow 1's; it has no effect: both kinds of variables behave alike.
        auxiliary_name_scope: Whether the names of nodes get the prefix, too.
        custom_getter: Function that `get_variable` calls in place of its inner part; see `VariableScope`. It is called
            first, and calls the getters of the scopes around it.

    Yields:
        The scope.

    Raises:
        TypeError: Both names are None.
        ValueError: An argument is not supported.
        GraphError: `values` are of different graphs.

    Example:
        >>> def layer(x):
        ...     with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
        ...         return x * tf.get_variable("scale", [], initializer=tf.ones_initializer())
        >>> y = layer(layer(tf.constant(3.0)))
        >>> [v.name for v in tf.global_variables()]
        ['layer/scale:0']
    """
    refuse("tf.variable_scope", partitioner=partitioner)
    if reuse not in (None, True, False, AUTO_REUSE):
        raise ValueError(f"The reuse parameter must be True or False or None, or tf.AUTO_REUSE, not {reuse!r}")
    graph = _graph_of_values(values)
    stack = _store(graph)[1]
    outer = stack[-1]
    if isinstance(name_or_scope, VariableScope):
        full, short = name_or_scope.name, name_or_scope.name.rpartition("/")[2]
        outer = name_or_scope
    else:
        short = name_or_scope if name_or_scope is not None else _unique_scope(graph, default_name)
        full = f"{outer.name}/{short}" if outer.name else short
    with graph.as_default(), _names_below(graph, short, auxiliary_name_scope) as scope_name:
        new = VariableScope(
            full,
            outer.reuse if reuse is None or not reuse else reuse,
            outer.initializer if initializer is None else initializer,
            outer.regularizer if regularizer is None else regularizer,
            name_or_scope.original_name_scope if isinstance(name_or_scope, VariableScope) else scope_name,
            outer.dtype if dtype is None else as_dtype(dtype),
            _chained(custom_getter, outer.custom_getter),
            constraint,
        )
        stack.append(new)
        counts = _scope_counts(graph)
        counts[full] = counts.get(full, 0) + 1
        try:
            yield new
        finally:
            stack.remove(new)
            counts.update((name, 0) for name in counts if name.startswith(f"{full}/"))


def _graph_of_values(values: Any) -> Graph:
    """The graph of the tensors among `values`; without any, the default graph."""
    given = listed(values)
    graphs = {id(v.graph): v.graph for v in given if isinstance(v, Tensor | Variable)}
    if len(graphs) > 1:
        raise GraphError(f"the values of a variable scope are of {len(graphs)} different graphs")
    return next(iter(graphs.values()), None) or get_default_graph()


def _names_below(graph: Graph, short: str, wanted: bool) -> AbstractContextManager[str]:
    """The name scope of a variable scope: a new one, or the one that is open."""
    if wanted:
        return graph.name_scope(short or None)
    scope = graph.get_name_scope()
    return nullcontext(f"{scope}/" if scope else "")


def _chained(inner: Any, outer: Any) -> Any:
    """Two custom getters combined into one. Either may be None."""
    if inner is None or outer is None:
        return outer if inner is None else inner
    return lambda getter, **arguments: _call_getter(inner, partial(_call_getter, outer, getter), **arguments)


def _call_getter(custom: Any, getter: Any, *name: Any, **arguments: Any) -> Any:
    """Call a custom getter. One that does not take `constraint` is called without it, as in TensorFlow 1."""
    if not _takes(custom, "constraint"):
        arguments.pop("constraint", None)
    return custom(getter, *name, **arguments)


def _takes(function: Any, name: str) -> bool:
    from inspect import Parameter, signature

    parameters = signature(function).parameters
    return name in parameters or any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def _scope_counts(graph: Graph) -> dict[str, int]:
    """The number of times that each variable scope was opened since the scope around it was."""
    return graph.stores.setdefault("scope_counts", {})  # type: ignore[no-any-return]


def _unique_scope(graph: Graph, default_name: str | None) -> str:
    if not default_name:
        raise TypeError("If default_name is None then name_or_scope is required")
    counts, outer = _scope_counts(graph), get_variable_scope().name
    name, index = default_name, 0
    while counts.get(f"{outer}/{name}" if outer else name):
        index += 1
        name = f"{default_name}_{index}"
    return name


def get_variable(
    name: str,
    shape: ShapeLike = None,
    dtype: DTypeLike | None = None,
    initializer: InitializerLike | TensorLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool | None = None,
    collections: Iterable[str] | None = None,
    caching_device: Any = None,
    partitioner: None = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Getter | None = None,
    constraint: Constraint | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """Find a variable by its name in the current variable scope, or make it.

    Args:
        name: Name of the variable, which the scope's name prefixes.
        shape: The shape, fully known. None if `initializer` is a tensor or an array.
        dtype: The dtype; by default the scope's, which is float32 if not set.
        initializer: A function of (shape, dtype), a class of initializers, a tensor or an array; by default the
            scope's, or else Glorot's uniform one, or zeros for integers.
        regularizer: Function from the variable to its penalty, which is added to `tf.GraphKeys.REGULARIZATION_LOSSES`;
            by default the scope's.
        trainable: Whether the variable is in `tf.GraphKeys.TRAINABLE_VARIABLES`; by default it is.
        collections: Names of the collections that get the variable; by default `tf.GraphKeys.GLOBAL_VARIABLES`.
        partitioner: Not supported; it must be None.
        custom_getter: Function that is called in place of the inner part; by default the scope's. See
            `VariableScope`.
        constraint: Function from the variable to the value that optimizers assign to it after each update; by default
            the scope's.
        caching_device, validate_shape, use_resource, synchronization, aggregation: TensorFlow 1's; see `tf.Variable`.

    Returns:
        The variable.

    Raises:
        GraphError: The variable exists and the scope does not reuse, or the other way round, or it has another shape or
            dtype.
        ValueError: The shape is not fully known, or is given beside a constant initializer; or an argument is not
            supported.

    Example:
        >>> with tf.variable_scope("conv1"):
        ...     kernel = tf.get_variable("kernel", [5, 5, 1, 32])
        >>> kernel
        <tf.Variable 'conv1/kernel:0' shape=(5, 5, 1, 32) dtype=float32_ref>
    """
    scope = get_variable_scope()
    arguments: dict[str, Any] = {
        "name": f"{scope.name}/{name}" if scope.name else name,
        "shape": shape,
        "dtype": scope.dtype if dtype is None else as_dtype(dtype),
        "initializer": scope.initializer if initializer is None else initializer,
        "regularizer": scope.regularizer if regularizer is None else regularizer,
        "reuse": scope.reuse,
        "trainable": trainable,
        "collections": collections,
        "caching_device": caching_device,
        "partitioner": partitioner,
        "validate_shape": validate_shape,
        "use_resource": use_resource,
        "synchronization": synchronization,
        "aggregation": aggregation,
        "constraint": scope.constraint if constraint is None else constraint,
    }
    getter = scope.custom_getter if custom_getter is None else custom_getter
    if getter is None:
        return _get_variable(**arguments)
    return _call_getter(getter, _get_variable, **arguments)  # type: ignore[no-any-return]


def _get_variable(
    name: str, shape: Any = None, dtype: Any = float32, initializer: Any = None, regularizer: Any = None,
    reuse: Any = None, trainable: bool | None = None, collections: Any = None, caching_device: Any = None,
    partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None, constraint: Any = None,
    synchronization: Any = None, aggregation: Any = None,
) -> Variable:  # fmt: skip
    """The inner part of `get_variable`, which takes a full name. Custom getters get it."""
    refuse("tf.get_variable", partitioner=partitioner)
    graph = get_default_graph()
    variables = _store(graph)[0]
    found = variables.get(name)
    if found is not None:
        return _reused(found, name, reuse, shape, dtype)
    if reuse is True:
        raise GraphError(
            f"Variable {name} does not exist, or was not created with tf.get_variable(). "
            "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
        )
    initial = _initial_value(initializer, shape, as_dtype(dtype))
    with graph.name_scope(None):
        kind = None if not callable(initial) else dtype
        made = Variable(
            initial, trainable is not False, collections, validate_shape, caching_device, name, dtype=kind,
            constraint=constraint, use_resource=use_resource, synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip
    variables[name] = made
    if regularizer is not None:
        with graph.name_scope(f"{name}/Regularizer/"):
            penalty = regularizer(made)
        if penalty is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, penalty)
    return made


def _twice(found: Variable) -> str:
    """Advice for a notebook whose cell was run again."""
    if not found.op.source.cell:
        return ""
    return (
        ". If that cell was run again: a graph keeps all that was made in it. Begin the first cell that builds the "
        "graph with tf.reset_default_graph(), and make the session after it."
    )


def _reused(found: Variable, full: str, reuse: Any, shape: Any, dtype: Any) -> Variable:
    if not reuse:
        raise GraphError(
            f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
            f"VarScope? Originally defined at {found.op.source.describe()}{_twice(found)}"
        )
    if shape is not None and not found.shape.is_compatible_with(shape):
        raise GraphError(
            f"Trying to share variable {full}, but specified shape {TensorShape(shape)} and found shape {found.shape}."
        )
    if found.dtype != as_dtype(dtype):
        raise GraphError(
            f"Trying to share variable {full}, but specified dtype {as_dtype(dtype).name} "
            f"and found dtype {found.dtype.name}."
        )
    return found


def _initial_value(initializer: Any, shape: Any, dtype: Any) -> Any:
    if initializer is not None and not callable(initializer):
        if shape is not None:
            raise ValueError("If initializer is a constant, do not specify shape.")
        return initializer
    dims = as_shape(shape)
    if dims is None or None in dims:
        raise ValueError(f"The shape of a new variable must be fully defined, but instead was {TensorShape(shape)}.")
    default = glorot_uniform_initializer if dtype.is_floating else zeros_initializer
    make: Callable[..., Any] = default if initializer is None else initializer
    if isinstance(make, type):
        make = make()
    return lambda: make(list(dims), dtype=dtype)
