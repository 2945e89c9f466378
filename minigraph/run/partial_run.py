"""Runs in parts: `Session.partial_run_setup` and `partial_run`, which feed and fetch bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minigraph.core.dtypes import string
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Node, Tensor
from minigraph.ops.constant import Placeholder
from minigraph.ops.control.branches import Merge, Switch
from minigraph.ops.state.variable import ReadVariable, VariableV2
from minigraph.run.feeds import feed_type
from minigraph.run.request import Request


class PartialRun:
    """The state of a run in parts: what has been fed, computed and fetched.

    Strings and variables are not kept: the host makes the former of numbers that are, the latter are where they were.
    """

    def __init__(self, request: Request) -> None:
        fetched = dict.fromkeys(e for e in request.elements if isinstance(e, Tensor))
        both = next((t for t in request.feeds if t in fetched), None)
        if both is not None:
            raise InvalidArgumentError(f"{both.name} is both fed and fetched.")
        self.roots = list(dict.fromkeys([*request.targets, *(t.node for t in request.tensors)]))
        self.to_feed = dict.fromkeys(request.feeds, True)  # False once it is fed
        self.to_fetch = dict.fromkeys(fetched, True)  # False once it is fetched
        self.values: dict[Tensor, Any] = {}
        self._done: set[Node] = set()  # nodes that have run

    @property
    def over(self) -> bool:
        """Whether everything has been fed and fetched."""
        return not any(self.to_feed.values()) and not any(self.to_fetch.values())

    def check(self, request: Request) -> None:
        """Refuse feeds and fetches that are not due. Those of the request count as fed and fetched afterwards."""
        if request.targets:
            raise RuntimeError("partial_run() requires empty target_list.")
        fetches = [e for e in request.elements if isinstance(e, Tensor)]
        for what, past, due, asked in (
            ("feed", "fed", self.to_feed, request.feeds),
            ("fetch", "fetched", self.to_fetch, fetches),
        ):
            for tensor in asked:
                if tensor not in due:
                    raise InvalidArgumentError(f"The {what} {tensor.name} was not specified in partial_run_setup.")
                if not due[tensor]:
                    raise InvalidArgumentError(f"The {what} {tensor.name} has already been {past}.")
        waiting = self._waiting([t.node for t in fetches], request.feeds)
        for tensor in fetches:
            if tensor.node in waiting:
                raise InvalidArgumentError(
                    f"Fetch {tensor.name} can't be computed from the feeds that have been fed so far."
                )
        self.to_feed.update(dict.fromkeys(request.feeds, False))
        self.to_fetch.update(dict.fromkeys(fetches, False))

    def due(self) -> tuple[list[Tensor], list[Node]]:
        """What can be computed now, once: the tensors that are fetched or that later nodes read, and the effects."""
        waiting = self._waiting(self.roots)
        tensors = [t for t in self.to_fetch if t.node not in waiting]
        targets: list[Node] = []
        seen: set[Node] = set()
        stack = list(self.roots)
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            inputs = [t for t in _entering(node) if t not in self.to_feed]
            stack.extend([*(t.node for t in inputs), *node.control_inputs])
            if node in waiting or any(t.dtype is string for t in node.outputs):
                tensors += [t for t in inputs if t.node not in waiting]
            elif node not in self._done and (node.op.has_effect or _is_drawn(node)):
                tensors += node.outputs
                targets += [] if node.outputs else [node]
                self._done.add(node)
        kept = (t for t in dict.fromkeys(tensors) if t.dtype is not string and not isinstance(t.node.op, VariableV2))
        return [t for t in kept if t not in self.values], sorted(targets, key=lambda n: n.id)

    def _waiting(self, roots: Iterable[Node], feeds: Iterable[Tensor] = ()) -> set[Node]:
        """The nodes behind `roots` that depend on what is fed later than `feeds`."""
        later = {t for t, due in self.to_feed.items() if due}.difference(feeds)
        state: dict[Node, bool] = {}
        stack = list(roots)
        while stack:
            node = stack[-1]
            inputs = [t for t in node.inputs if t not in self.to_feed]
            before = [*(t.node for t in inputs), *node.control_inputs]
            open_ = [n for n in before if n not in state]
            if open_ and node not in state:
                stack.extend(open_)
                continue
            stack.pop()
            state[node] = any(t in later for t in (*node.inputs, *node.outputs)) or any(state[n] for n in before)
        return {n for n, waits in state.items() if waits}


def _is_drawn(node: Node) -> bool:
    return node.op.stateful and not isinstance(node.op, ReadVariable | VariableV2 | Placeholder)


def _entering(node: Node) -> Sequence[Tensor]:
    """The inputs of a node. For a condition, those from outside its branches: a run computes one branch only."""
    if not isinstance(node.op, Merge):
        return node.inputs
    found, seen, stack = [node.inputs[2]], set(), [t.node for t in node.inputs[:2]]
    while stack:
        inside = stack.pop()
        if inside in seen:
            continue
        seen.add(inside)
        if isinstance(inside.op, Switch):
            found.append(inside.inputs[0])
        else:
            stack.extend([*(t.node for t in inside.inputs), *inside.control_inputs])
    return found


class PartialRuns:
    """The runs in parts of a session, by handle."""

    def __init__(self) -> None:
        self._runs: dict[str, PartialRun] = {}
        self._count = 0

    def set_up(self, request: Request) -> str:
        """Begin a run; its handle."""
        if not request.elements:
            raise InvalidArgumentError("Must specify at least one target to fetch or execute.")
        handle = "->".join(",".join(e.name for e in part) for part in (request.feeds, request.elements))
        handle += f"/{self._count}"
        self._runs[handle] = PartialRun(request)
        self._count += 1
        return handle

    def run(
        self, handle: str, request: Request, feeds: Mapping[Any, Any], run: Callable[..., Any]
    ) -> dict[Tensor, Any]:
        """Compute what can be computed now that `feeds` are there; all values of the run so far.

        request: the fetches and feeds of this part. run: the session's.
        """
        if (part := self._runs.get(handle)) is None:
            raise InvalidArgumentError("Must run 'setup' before performing partial runs!")
        arrays = request.cast_arrays(feeds)
        for tensor, array in zip(request.feeds, arrays, strict=True):
            feed_type(tensor, array)  # refuses a shape that does not fit
        part.check(request)
        part.values.update(zip(request.feeds, arrays, strict=True))
        tensors, targets = part.due()
        if tensors or targets:
            part.values.update(zip(tensors, run([tensors, targets], part.values)[0], strict=True))
        if part.over:
            del self._runs[handle]
        return part.values
