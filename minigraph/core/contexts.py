"""The `with` blocks in which nodes are made: control dependencies, branches of conditions, and lines of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from minigraph.core.provenance import Source

MadeNode = TypeVar("MadeNode")


class Branch:
    """One side of a condition while its nodes are made.

    `switch` makes the tensor through which a value from outside enters the branch.
    """

    def __init__(self, switch: Callable[[Any], Any]) -> None:
        self.switch = switch
        self.outer: Branch | None = None
        self.inside: set[Any] = set()
        self._captured: dict[Any, Any] = {}

    def capture(self, tensor: Any) -> Any:
        """The tensor that a node of the branch reads in place of `tensor`."""
        if tensor.node in self.inside:
            return tensor
        if tensor not in self._captured:
            with tensor.graph.control_dependencies(None), tensor.graph.inside(self.outer):
                self._captured[tensor] = self.switch(tensor)
        return self._captured[tensor]


class Dependencies:
    """The nodes that the nodes made in a `with` block follow. `made`: the latter."""

    def __init__(self, nodes: Iterable[Any]) -> None:
        self.nodes = tuple(nodes)
        self.made: set[Any] = set()


class _Context(threading.local):
    """The blocks that a thread is in, so threads can build one graph at the same time."""

    branch: Branch | None = None
    control: tuple[Dependencies, ...] = ()
    source: Source | None = None
    gradients: Mapping[str, str] = MappingProxyType({})  # names of registered functions by types of ops


class Contexts(Generic[MadeNode]):
    """The blocks in which a graph makes its nodes."""

    def __init__(self) -> None:
        self._context = _Context()
        self._gradients: dict[Any, str | Callable[..., Any]] = {}  # by nodes; functions or their names

    def as_node(self, element: Any) -> MadeNode:
        """The node that is `element`, or that makes it."""
        raise NotImplementedError

    def active_control(self, inputs: Iterable[Any]) -> tuple[MadeNode, ...]:
        """The nodes that a new node must follow by the active dependencies.

        As in TensorFlow, nodes that it follows anyway are left out: the nodes that make its inputs, and the
        dependencies of a block that also made an input.
        """
        control = self._context.control
        if not control:
            return ()
        seen = {t.node for t in inputs}
        groups = [group for group in control if group.made.isdisjoint(seen)]
        return tuple(dict.fromkeys(n for group in groups for n in group.nodes if n not in seen))

    @property
    def has_control(self) -> bool:
        """Whether control dependencies are active here."""
        return any(group.nodes for group in self._context.control)

    @contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Make the nodes in a `with` block run after others.

        Args:
            control_inputs: Tensors, operations and variables that run first; None to clear the active dependencies and
                leave the branches of conditions.

        Yields:
            None.
        """
        context = self._context
        old, branch = context.control, context.branch
        if control_inputs is None:
            context.control, context.branch = (), None
        else:
            context.control = (*old, Dependencies(map(self.as_node, control_inputs)))
        try:
            yield
        finally:
            context.control, context.branch = old, branch

    @contextmanager
    def branch(self, branch: Branch) -> Iterator[None]:
        """Make the nodes in a `with` block in a branch of a condition; `control_dependencies(None)` leaves it.

        Args:
            branch: The branch.

        Yields:
            None.
        """
        branch.outer = self._context.branch
        with self.inside(branch):
            yield

    @contextmanager
    def inside(self, branch: Branch | None) -> Iterator[None]:
        """Make the nodes in a `with` block in a branch that has been entered before; None for outside of all.

        Args:
            branch: The branch.

        Yields:
            None.
        """
        context = self._context
        old, context.branch = context.branch, branch
        try:
            yield
        finally:
            context.branch = old

    @contextmanager
    def gradient_override_map(self, op_type_map: Mapping[str, str]) -> Iterator[None]:
        """Replace the gradients of the nodes made in a `with` block by functions of `tf.RegisterGradient`.

        Args:
            op_type_map: Names of registered functions by types of ops, such as "Relu".

        Yields:
            None.

        Example:
            >>> @tf.RegisterGradient("Twice")
            ... def twice(op, grad):
            ...     return 2.0 * grad
            >>> x = tf.constant(3.0)
            >>> with x.graph.gradient_override_map({"Identity": "Twice"}):
            ...     y = tf.identity(x)
            >>> tf.Session().run(tf.gradients(y, x))
            [np.float32(2.0)]
        """
        context = self._context
        old, context.gradients = context.gradients, {**context.gradients, **op_type_map}
        try:
            yield
        finally:
            context.gradients = old

    def note_gradient(self, node: Any) -> None:
        """Note the function that replaces the gradient of a node made here, if there is one."""
        self.override_gradient(node, self._context.gradients.get(node.type))

    def override_gradient(self, node: MadeNode, function: str | Callable[..., Any] | None) -> None:
        """Replace the gradient of a node by a function, or by the registered one of a name; None: keep it."""
        if function is not None:
            self._gradients[node] = function

    def gradient_override(self, node: MadeNode) -> str | Callable[..., Any] | None:
        """The function that replaces the gradient of a node, or its name; None if there is none."""
        return self._gradients.get(node)

    @contextmanager
    def made_at(self, source: Source) -> Iterator[None]:
        """Give the nodes made in a `with` block a source. Gradients have the source of their forward node.

        Args:
            source: The line.

        Yields:
            None.
        """
        context = self._context
        old, context.source = context.source, source
        try:
            yield
        finally:
            context.source = old
