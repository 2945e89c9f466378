"""Stacks, by which TensorFlow's gradients of loops know the values of the steps, as variables of the loops.

A stack in a graph is a handle: a loop pushes to it, another, in the other direction, pops. Here it becomes a list that
passes through the loops and conditions on the handle's way: a list that enters a loop is one of its variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.protos import proto
from minigraph.formats.tensorflow.emit import const_attributes
from minigraph.formats.tensorflow.loops import ENTER, SWITCH, Path, paths_of
from minigraph.formats.tensorflow.values import UnreadableError, attribute
from minigraph.graphs.importing import base_name, full_name

_PUSH, _POP = ("StackPush", "StackPushV2"), ("StackPop", "StackPopV2")


def with_lists(message: Any) -> Any:
    """The `GraphDef` with lists in place of stacks; itself if there are none. UnreadableError."""
    stacks = [node for node in message.node if node.op in ("Stack", "StackV2")]
    if not stacks:
        return message
    found = type(message)()
    found.CopyFrom(message)
    threads = _Threads(found)
    try:
        for node in stacks:
            threads.follow(node.name)
    except RecursionError:
        raise UnreadableError("a stack of the graph passes too many nodes") from None
    return found


class _Threads:
    def __init__(self, message: Any) -> None:
        self._message = message
        self._nodes = {node.name: node for node in message.node}
        self._paths = paths_of(self._nodes)
        self._conds = {path: n for n, path in self._paths.items() if self._nodes[n].op == "LoopCond"}
        self._readers: dict[str, list[str]] = {}  # of what a handle passes
        for node in message.node:
            if node.input and node.op in (*ENTER, *SWITCH, *_PUSH, *_POP):
                if node.op in _PUSH and (len(node.input) < 2 or node.input[1].startswith("^")):
                    raise UnreadableError(f"node '{node.name}' ({node.op}) has no value to push")
                self._readers.setdefault(full_name(node.input[0]), []).append(node.name)

    def follow(self, stack: str) -> None:
        """Make a stack an empty list that is pushed to, then popped from."""
        node = self._nodes[stack]
        node.op = "EmptyTensorList"
        node.attr["element_dtype"].CopyFrom(node.attr["elem_type"])
        del node.input[:]
        node.input.extend(self._constant(f"{stack}/{label}", n) for label, n in (("shape", -1), ("most", -1)))
        users = self._users(stack, 0)
        popping = [user for user in users if self._pops(user)]
        pushing = [user for user in users if user not in popping]
        if max(len(popping), len(pushing)) > 1:
            raise UnreadableError(f"the stack '{stack}' is pushed to or popped from in several places")
        pushed = f"{stack}:0"
        for user in (*pushing, *popping):
            pushed = self._through(user, pushed)

    def _users(self, name: str, output: int) -> list[str]:
        return self._readers.get(f"{name}:{output}", [])

    def _pops(self, name: str) -> bool:
        """Whether the handle is popped from behind this node. UnreadableError if it comes back to it."""
        todo = [name]
        for _ in self._nodes:
            if not todo:
                return False
            name = todo.pop()
            if self._nodes[name].op in _POP:
                return True
            todo += [u for k in (0, 1) for u in self._users(name, k)]
        raise UnreadableError(f"node '{name}' ({self._nodes[name].op}) depends on itself")

    def _through(self, name: str, given: str) -> str:
        """Lead a list through a node and what comes behind it; the list then."""
        node = self._nodes[name]
        if node.op in _PUSH:
            made = self._add("TensorListPushBack", f"{name}/list", given, node.input[1], like=node)
            self._become_copy(node, node.input[1])
            return f"{made}:0"
        if node.op in _POP:
            shape = self._constant(f"{name}/shape", -1, node)
            made = self._add("TensorListPopBack", f"{name}/list", given, shape, like=node)
            self._become_copy(node, f"{made}:1")
            return f"{made}:0"
        node.input[0] = given
        if node.op in SWITCH:
            sides = [self._behind(name, k, f"{name}:{k}") for k in (0, 1)]
            return f"{self._add('Merge', f'{name}/list', *sides)}:0"
        node.attr["is_constant"].b = False
        merge = self._add("Merge", f"{name}/merge", name, f"{name}/next")
        switch = self._add("Switch", f"{name}/switch", merge, self._cond(name))
        self._add("NextIteration", f"{name}/next", self._behind(name, 0, f"{switch}:1"))
        return f"{self._add('Exit', f'{name}/exit', switch)}:0"

    def _behind(self, name: str, output: int, given: str) -> str:
        """Lead a list through what reads an output of a node."""
        users = self._users(name, output)
        if len(users) > 1:
            raise UnreadableError(f"the stack that passes node '{name}' is pushed to or popped from in several places")
        return self._through(users[0], given) if users else given

    def _cond(self, enter: str) -> str:
        path: Path = self._paths[enter]
        if path not in self._conds:
            raise UnreadableError(f"the loop '{path[-1]}' has 0 conditions")
        return self._conds[path]

    def _become_copy(self, node: Any, of: str) -> None:
        control = [i for i in node.input if i.startswith("^")]
        node.op = "Identity"
        del node.input[:]
        node.input.extend([of, *control])

    def _constant(self, name: str, value: int, beside: Any = None) -> str:
        """A constant, in the loop of another node."""
        followed: Sequence[str] = () if beside is None else [f"^{base_name(beside.input[0])}"]
        made = self._add("Const", name, *followed)
        for key, content in const_attributes(np.array(value, np.int32)).items():
            self._message.node[-1].attr[key].CopyFrom(attribute(content))
        return made

    def _add(self, kind: str, name: str, *inputs: str, like: Any = None) -> str:
        """Add a node; with the dtype of the elements and the control inputs of another one."""
        node = proto("node_def", "NodeDef")(name=name, op=kind, input=inputs)
        if like is not None:
            node.input.extend(i for i in like.input if i.startswith("^"))
            node.attr["element_dtype"].CopyFrom(like.attr["elem_type" if "elem_type" in like.attr else "T"])
        self._message.node.append(node)
        return name
