"""Variables: state that a session keeps between runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from minigraph.core import scopes
from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import as_dtype, float32
from minigraph.core.errors import GraphError
from minigraph.core.graph import Graph, Node, Tensor, convert_to_tensor, get_default_graph
from minigraph.core.operand import Operand
from minigraph.core.types import TensorShape, TensorType, as_shape
from minigraph.ops.builder import apply
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, ReadVariable, VariableV2, group
from minigraph.run.initializers import glorot_uniform_initializer, zeros_initializer


class Variable(Operand[Tensor]):
    """A tensor whose value a session keeps.

    initial_value: a tensor, an array, a number, or a function that makes one. `ref` is the buffer's tensor, which
    assignments and optimizers take; everywhere else the variable stands for a read of it.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool = True,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        dtype: Any = None,
        expected_shape: Any = None,
        constraint: Any = None,
        **_ignored: Any,
    ) -> None:
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        graph = get_default_graph()
        kind = None if dtype is None else as_dtype(dtype)
        with graph.control_dependencies(None), graph.name_scope(name or "Variable") as scope:
            if callable(initial_value):
                with graph.name_scope("Initializer"):
                    initial = convert_to_tensor(initial_value(), kind)
            else:
                initial = convert_to_tensor(initial_value, kind, name="initial_value")
            if not initial.type.is_static:
                raise ValueError(f"initial_value must have a shape specified: {initial!r}")
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
        """A variable whose nodes are in the graph already, as an import leaves them; in no collection yet."""
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
        return self.ref.node

    @property
    def graph(self) -> Graph:
        return self.ref.graph

    @property
    def name(self) -> str:
        return self.ref.name

    @property
    def dtype(self) -> Any:
        return self.ref.dtype

    @property
    def shape(self) -> TensorShape:
        return self.ref.shape

    @property
    def type(self) -> TensorType:
        return self.ref.type

    def get_shape(self) -> TensorShape:
        return self.ref.shape

    def initialized_value(self) -> Tensor:
        """The initial value, for making another variable's from it."""
        return self.initial_value

    def value(self) -> Tensor:
        return self._snapshot

    def as_graph_tensor(self) -> Tensor:
        """The tensor this variable stands for: inside `control_dependencies`, a read that comes after them."""
        return self.read_value(name="read") if self.graph.has_control else self._snapshot

    def read_value(self, name: str = "read") -> Tensor:
        """A read at this point: it comes after the control dependencies that are active now."""
        return apply(ReadVariable(), self.ref, name=name)

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return assign(self, value, name=name)

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return assign_add(self, delta, name=name)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return assign_sub(self, delta, name=name)

    def eval(self, session: Any = None) -> Any:
        return scopes.session_for(session).run(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Set the value in a session, without adding to the graph."""
        import numpy as np

        target = scopes.session_for(session)
        if target.graph is not self.graph:
            raise GraphError(f"{self!r} is not in the session's graph.")
        target.write_state({self.op.name: np.asarray(value, self.dtype.np_dtype)})

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}_ref>"


def _updated(op: Any, ref: Any, value: Any, name: str | None, default: str) -> Tensor:
    variable = getattr(ref, "ref", None)
    if not isinstance(variable, Tensor):
        raise TypeError(f"{default} needs a tf.Variable, not {ref!r}")
    graph = variable.graph
    with graph.as_default(), graph.name_scope(name or default) as scope:
        tensor = convert_to_tensor(value, variable.dtype, name="value")
        return graph.add(op, (variable, tensor), scope).outputs[0]


def assign(
    ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None
) -> Tensor:
    """ref = value. The result is the new value."""
    return _updated(Assign(), ref, value, name, "Assign")


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """ref = ref + value. The result is the new value."""
    return _updated(AssignAdd(), ref, value, name, "AssignAdd")


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """ref = ref − value. The result is the new value."""
    return _updated(AssignSub(), ref, value, name, "AssignSub")


def global_variables(scope: str | None = None) -> list[Variable]:
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def variables_initializer(var_list: Any, name: str = "init") -> Node:
    """An operation that gives the variables their initial values."""
    graph = get_default_graph()
    if not var_list:
        return group(name=name)
    with graph.control_dependencies(None):
        return group(*[v.initializer for v in var_list], name=name)


def global_variables_initializer() -> Node:
    """An operation that gives all global variables their initial values."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Node:
    """An operation that gives all local variables their initial values."""
    return variables_initializer(local_variables(), name="init_1")


initialize_all_variables = global_variables_initializer


# variable_scope and get_variable

AUTO_REUSE: Final = "auto_reuse"
Reuse: TypeAlias = bool | Literal["auto_reuse"] | None
"""Whether `get_variable` finds variables (True), makes them (False), or both (`AUTO_REUSE`); None to inherit."""

Regularizer: TypeAlias = Callable[[Any], Tensor | None]
"""A function from a variable to its penalty, a scalar."""


@dataclass(eq=False)
class VariableScope:
    """A prefix for `get_variable`, whether it may or must find existing variables, and what those made here get.

    custom_getter: called in place of `get_variable`'s inner part, with that as `getter`, and all else by name.
    """

    name: str
    reuse: Any = False
    initializer: Any = None
    regularizer: Any = None
    original_name_scope: str = ""
    dtype: Any = float32
    custom_getter: Any = None

    def reuse_variables(self) -> None:
        self.reuse = True

    def get_collection(self, name: str) -> list[Any]:
        """What a collection holds of this scope."""
        return get_default_graph().get_collection(name, f"{self.name}/" if self.name else None)

    def global_variables(self) -> list[Variable]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list[Variable]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def local_variables(self) -> list[Variable]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)


def _store(graph: Graph) -> tuple[dict[str, Variable], list[VariableScope]]:
    return graph.stores.setdefault("variables", ({}, [VariableScope("")]))  # type: ignore[no-any-return]


def get_variable_scope() -> VariableScope:
    """The innermost variable scope."""
    return _store(get_default_graph())[1][-1]


@contextmanager
def variable_scope(
    name_or_scope: Any,
    default_name: str | None = None,
    values: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    custom_getter: Any = None,
    **_ignored: Any,
) -> Iterator[VariableScope]:
    """Prefix the names of `get_variable` and of nodes. reuse: True, AUTO_REUSE, or None to inherit; so are the others
    inherited, but getters add up, the outer ones inside."""
    graph = get_default_graph()
    stack = _store(graph)[1]
    outer = stack[-1]
    if isinstance(name_or_scope, VariableScope):
        full, short = name_or_scope.name, name_or_scope.name.rpartition("/")[2]
        outer = name_or_scope
    else:
        short = name_or_scope if name_or_scope is not None else _unique_scope(graph, default_name)
        full = f"{outer.name}/{short}" if outer.name else short
    with graph.name_scope(short or None) as scope_name:
        new = VariableScope(
            full,
            outer.reuse if reuse is None or not reuse else reuse,
            outer.initializer if initializer is None else initializer,
            outer.regularizer if regularizer is None else regularizer,
            name_or_scope.original_name_scope if isinstance(name_or_scope, VariableScope) else scope_name,
            outer.dtype if dtype is None else as_dtype(dtype),
            _chained(custom_getter, outer.custom_getter),
        )
        stack.append(new)
        counts = _scope_counts(graph)
        counts[full] = counts.get(full, 0) + 1
        try:
            yield new
        finally:
            stack.remove(new)
            counts.update((name, 0) for name in counts if name.startswith(f"{full}/"))


def _chained(inner: Any, outer: Any) -> Any:
    """Two custom getters as one, either of which may be None."""
    if inner is None or outer is None:
        return outer if inner is None else inner
    return lambda getter, **arguments: inner(getter=partial(outer, getter), **arguments)


def _scope_counts(graph: Graph) -> dict[str, int]:
    """How often each variable scope was opened since the one around it was."""
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
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    **_ignored: Any,
) -> Variable:
    """The variable of that name in the current variable scope; made, or found where the scope reuses.

    initializer: a function of (shape, dtype), a class of such, a tensor or an array; by default Glorot's uniform one,
    zeros for integers. dtype: by default the scope's, float32 if it has none.
    """
    scope = get_variable_scope()
    arguments: dict[str, Any] = {
        "name": f"{scope.name}/{name}" if scope.name else name,
        "shape": shape,
        "dtype": scope.dtype if dtype is None else as_dtype(dtype),
        "initializer": scope.initializer if initializer is None else initializer,
        "regularizer": scope.regularizer if regularizer is None else regularizer,
        "trainable": trainable,
        "collections": collections,
    }
    if scope.custom_getter is None:
        return _get_variable(scope.reuse, **arguments)
    return scope.custom_getter(getter=partial(_get_variable, scope.reuse), **arguments)  # type: ignore[no-any-return]


def _get_variable(
    reuse: Any, name: str, shape: Any = None, dtype: Any = float32, initializer: Any = None, regularizer: Any = None,
    trainable: bool = True, collections: Any = None, **_ignored: Any,
) -> Variable:  # fmt: skip
    """`get_variable` for a full name: the inner part, which custom getters are given."""
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
        made = Variable(initial, trainable, collections, name=name, dtype=kind)
    variables[name] = made
    if regularizer is not None:
        with graph.name_scope(f"{name}/Regularizer/"):
            penalty = regularizer(made)
        if penalty is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, penalty)
    return made


def _reused(found: Variable, full: str, reuse: Any, shape: Any, dtype: Any) -> Variable:
    if not reuse:
        raise GraphError(
            f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
            f"VarScope? Originally defined at {found.op.source.describe()}"
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
