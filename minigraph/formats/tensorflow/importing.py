"""TensorFlow's graphs as minigraph's: node by node into a graph of their own, which is then added to another.

So a graph is added whole or not at all, and its nodes keep their names.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from minigraph.autodiff.registry import Unfit
from minigraph.control.while_loops import while_loop
from minigraph.core.dtypes import DType
from minigraph.core.errors import DataLossError, GraphError, MinigraphError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.graph_def import GraphRecords, attributes_from
from minigraph.core.naming import VALID_NAME
from minigraph.core.types import TensorShape
from minigraph.formats.tensorflow.functions import without_functions
from minigraph.formats.tensorflow.loops import EXIT, LOOPS, LoopFrame, Path, frame_of, paths_of
from minigraph.formats.tensorflow.node import Result, TfNode
from minigraph.formats.tensorflow.op_table import IMPORTERS
from minigraph.formats.tensorflow.stacks import with_lists
from minigraph.formats.tensorflow.state import condition, shared_conditions
from minigraph.formats.tensorflow.values import UnreadableError
from minigraph.graphs.importing import add_nodes, base_name, full_name
from minigraph.ops.array.known import static_value
from minigraph.ops.builder import apply
from minigraph.ops.constant import Const, Placeholder
from minigraph.ops.identity import Identity
from minigraph.ops.registry import find_op
from minigraph.ops.state.variable import NoOp, ReadVariable
from minigraph.util.read_budget import Budget, Damaged

OWN = "_minigraph"  # the attribute of an op that TensorFlow lacks: its attributes, as in a graph file
# Nodes of a Saver, whose work minigraph's Saver does.
SAVING = frozenset({
    "MergeV2Checkpoints", "Restore", "RestoreSlice", "RestoreV2", "Save", "SaveSlices", "SaveV2", "ShardedFilename",
    "ShardedFilespec",
})  # fmt: skip
# Whether a variable has a value. A condition on it chooses the initial value, as minigraph's variables do.
_INITIALISED = ("IsVariableInitialized", "VarIsInitializedOp")
_LOOP = "\0"  # what the name of a loop begins with among names of nodes
_DEEPEST = 64  # conditions in each other
Guard = tuple[tuple[Tensor, int], ...]  # the conditions under which a tensor is computed, the outermost first


class Read(NamedTuple):
    """A graph of TensorFlow in a graph of its own.

    tensors: by TensorFlow's names, `node:output`; nodes: by name. stand_ins: placeholders for tensors of another graph,
    and these tensors.
    """

    graph: Graph
    tensors: dict[str, Tensor]
    nodes: dict[str, Node]
    stand_ins: dict[Tensor, Tensor]


class Added(NamedTuple):
    """What became of a graph of TensorFlow in another graph: its nodes and tensors by TensorFlow's names."""

    nodes: dict[str, Node]
    tensors: dict[str, Tensor]


def add_message(
    graph: Graph, message: Any, prefix: str = "", replaced: Mapping[str, Tensor] | None = None,
    elements: Sequence[str] = (), trusted: bool = False,
) -> Added:  # fmt: skip
    """Add a `GraphDef` message to a graph, all of it or nothing.

    replaced: tensors of the graph for the message's. elements: names of nodes and tensors that must be there. trusted:
    whether nodes may read and write files.
    UnreadableError names all nodes whose ops minigraph lacks; GraphError a node that does not fit.
    """
    read = read_message(message, replaced or {})
    for element in elements:
        if element not in (read.tensors if ":" in element else read.nodes):
            raise GraphError(f"Requested return_element '{element}' not found in graph_def.")
    definition = read.graph.as_records()
    stand_ins = {t.node.name: given for t, given in read.stand_ins.items()}
    kept = [n for n in definition.node if n.name not in stand_ins]
    made = add_nodes(graph, GraphRecords(kept, len(message.node)), prefix, stand_ins, trusted)

    def of(tensor: Tensor) -> Tensor:
        if tensor in read.stand_ins:
            return read.stand_ins[tensor]
        return made[tensor.node.name].outputs[tensor.value_index]

    nodes = {name: made[node.name] for name, node in read.nodes.items() if node.name in made}
    for name, node in nodes.items():
        graph.override_gradient(node, read.graph.gradient_override(read.nodes[name]))
    return Added(nodes, {name: of(tensor) for name, tensor in read.tensors.items()})


def read_message(message: Any, replaced: Mapping[str, Tensor]) -> Read:
    """A `GraphDef` message as a graph."""
    message = with_lists(without_functions(message))
    loose: set[Path] = set()
    while True:
        reader = _Reader(message, {full_name(name): tensor for name, tensor in replaced.items()}, loose)
        try:
            with reader.graph.as_default():
                reader.run()
        except _ShapesChange as error:
            loose.add(error.path)
            continue
        return Read(reader.graph, reader.tensors, reader.nodes, reader.stand_ins)


class _ShapesChange(Exception):
    """A variable of a loop has other shapes after a step, or they are unknown: the loop is read without them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


class _Reader:
    def __init__(self, message: Any, replaced: Mapping[str, Tensor], loose: Set[Path]) -> None:
        self.graph = Graph()
        self.producer = message.versions.producer
        self.messages = {n.name: n for n in message.node}
        if len(self.messages) < len(message.node):
            seen: set[str] = set()
            twice = next(n.name for n in message.node if n.name in seen or seen.add(n.name))  # type: ignore[func-returns-value]
            raise GraphError(f"two nodes of the graph are named '{twice}'")
        self.budget = Budget(message.ByteSize)
        self.replaced = replaced
        self.tensors: dict[str, Tensor] = {}
        self.nodes: dict[str, Node] = {}
        self.stand_ins: dict[Tensor, Tensor] = {}
        self.expected: dict[str, DType] = {}  # the dtypes of what is replaced
        self.guards: dict[str, Guard] = {}  # of nodes, and of outputs of switches
        self.effects: dict[str, bool] = {}  # whether a node, or one before it, does more than compute
        self.checks: dict[str, list[Node]] = {}  # the checks that a node is, or only waits for
        self.left_out = self._savers()
        self.paths = paths_of(self.messages)  # of the nodes in loops
        self.loose = loose  # loops whose variables change their shapes

    def _savers(self) -> set[str]:
        """The nodes that save and restore, those behind them, and those that only they need."""
        readers: dict[str, set[str]] = {name: set() for name in self.messages}
        for node in self.messages.values():
            for name in map(base_name, node.input):
                readers.setdefault(name, set()).add(node.name)
        out = {n.name for n in self.messages.values() if n.op in SAVING or self._is_report(n, readers)}
        todo = list(out)
        while todo:
            behind = readers[todo.pop()] - out
            out |= behind
            todo += behind
        todo = [base_name(i) for name in out for i in self.messages[name].input]
        while todo:
            name = todo.pop()
            if name in self.messages and name not in out and readers[name] <= out and not self._is_state(name):
                out.add(name)
                todo += map(base_name, self.messages[name].input)
        return out

    def _is_report(self, node: Any, readers: Mapping[str, set[str]]) -> bool:
        """Whether the node tells if a variable has a value, and something other than a condition reads that."""
        kinds = {self.messages[name].op for name in readers[node.name]}
        return node.op in _INITIALISED and not kinds <= {"Switch", "RefSwitch", "Identity"}

    def _is_state(self, name: str) -> bool:
        return self.messages[name].op in ("VariableV2", "Variable", "VarHandleOp", "Placeholder")

    def run(self) -> None:
        nodes = [n for n in self.messages.values() if n.name not in self.left_out]
        self._check(nodes)
        for node in nodes:
            self.graph.unique_name(f"{node.name}/")  # so that helpers get other names
        self._run(nodes, ())

    def _run(self, nodes: Sequence[Any], path: Path) -> None:
        """Add the nodes of a loop, or of the graph, and the loops in it."""
        for unit in self._in_order(nodes, path):
            if isinstance(unit, str):
                self._loop(frame_of((*path, unit), self.messages, self.paths))
            else:
                self._add(unit)

    def _check(self, nodes: Sequence[Any]) -> None:
        missing = [n for n in nodes if n.op not in IMPORTERS and n.op not in LOOPS and OWN not in n.attr]
        if missing:
            lines = "\n  ".join(f"node '{n.name}' ({n.op})" for n in missing[:100])
            more = f"\n  and {len(missing) - 100} more" if len(missing) > 100 else ""
            raise UnreadableError(f"minigraph has no form of these ops:\n  {lines}{more}")
        for node in nodes:
            if node.op in LOOPS and not node.input:
                raise GraphError(f"node '{node.name}' ({node.op}) has no input")
            if not VALID_NAME.fullmatch(node.name) or node.name.endswith("/"):
                raise GraphError(f"'{node.name}' is not a valid name for a node")
            for name in node.input:
                if base_name(name) not in self.messages and full_name(name) not in self.replaced:
                    raise GraphError(f"node '{node.name}' ({node.op}) reads '{name}', which is not in the graph")

    def _in_order(self, nodes: Sequence[Any], path: Path = ()) -> Iterator[Any]:
        """The nodes, each after those that it reads or follows, otherwise in the order of the message.

        The nodes of a loop within `path` are one, its name.
        """
        import heapq

        depth = len(path)
        units: dict[str, list[Any]] = {}
        unit_of = {n.name: self._unit(n, depth) for n in nodes}
        for node in nodes:
            units.setdefault(unit_of[node.name], []).append(node)
        place = {unit: i for i, unit in enumerate(units)}
        waiting, followers = {}, {unit: [] for unit in units}  # type: dict[str, int], dict[str, list[str]]
        for unit, members in units.items():
            before = {unit_of[b] for m in members for b in map(base_name, m.input) if b in unit_of}
            before -= {unit} if unit[0] == _LOOP else set()
            waiting[unit] = len(before)
            for name in before:
                followers[name].append(unit)
        ready = [place[name] for name, count in waiting.items() if not count]
        names, done = list(units), 0
        while ready:
            unit = names[heapq.heappop(ready)]
            done += 1
            yield unit[1:] if unit[0] == _LOOP else units[unit][0]
            for name in followers[unit]:
                waiting[name] -= 1
                if not waiting[name]:
                    heapq.heappush(ready, place[name])
        if done < len(units):
            stuck = next(units[u][0] for u in units if waiting[u])
            raise GraphError(f"node '{stuck.name}' ({stuck.op}) depends on itself")

    def _unit(self, node: Any, depth: int) -> str:
        """What is added as one: a node, or the loop that it is in or leaves."""
        path = self.paths.get(base_name(node.input[0]) if node.op in EXIT else node.name, ())[depth:]
        return f"{_LOOP}{path[0]}" if path else str(node.name)

    def _loop(self, frame: LoopFrame) -> None:
        """Add a loop: the nodes of its condition and body once each."""
        messages, inside = self.messages, [n for n, p in self.paths.items() if p[: len(frame.path)] == frame.path]
        for name in frame.constants:
            self.tensors[f"{name}:0"] = self._outer(name)
        rest = [messages[n] for n in inside if n not in frame.structure]

        def cond(*states: Tensor) -> Tensor:
            for variable, state in zip(frame.variables, states, strict=True):
                self.tensors[f"{variable.merge}:0"] = state
            self._run([n for n in rest if n.name in frame.test], frame.path)
            return self.tensors[frame.cond]

        def body(*states: Tensor) -> list[Tensor]:
            for variable, state in zip(frame.variables, states, strict=True):
                if variable.switch is not None:
                    self.tensors[f"{variable.switch}:1"] = state
            self._run([n for n in rest if n.name not in frame.test], frame.path)
            return [self.tensors[v.next] for v in frame.variables]

        first = [self._outer(v.enter) for v in frame.variables]
        shapes = [TensorShape(None) for _ in first] if frame.path in self.loose else None
        try:
            found = while_loop(cond, body, first, shapes, name=frame.path[-1].rpartition("/")[2] or None,
                               return_same_structure=True)  # fmt: skip
        except (UnreadableError, GraphError):
            raise
        except (MinigraphError, LookupError, TypeError, ValueError) as error:
            if type(error) is ValueError and frame.path not in self.loose:
                raise _ShapesChange(frame.path) from None
            raise UnreadableError(f"the loop '{frame.path[-1]}': {error}") from error
        for variable, value in zip(frame.variables, found, strict=True):
            if variable.exit is not None:
                self._keep(messages[variable.exit], self.graph.add(Identity(), (value,), f"{variable.exit}/"))

    def _outer(self, enter: str) -> Tensor:
        """The tensor that enters a loop."""
        message = self.messages[enter]
        return self._input(message, 0, full_name(message.input[0]))

    def _add(self, message: Any) -> None:
        data = [full_name(i) for i in message.input if not i.startswith("^")]
        control = [i[1:] for i in message.input if i.startswith("^")]
        inputs = [self._input(message, i, name) for i, name in enumerate(data)]
        guards = [self._guard(name) for name in data]
        after = [c for c in control if self.effects.get(c) and c in self.nodes]
        checks = [check for c in after for check in self.checks[c]]  # of loops' bodies only these stay
        ordered = list(dict.fromkeys([*checks, *(self.nodes[c] for c in after)]))
        if ordered:
            inputs = [self._reread(t, ordered) for t in inputs]
        call = TfNode(self.graph, message, inputs, guards, self.producer, self.budget)
        try:
            with self.graph.control_dependencies(ordered):
                made = self._own(call, message) if OWN in message.attr else IMPORTERS[message.op](call)
            gradient = call.gradient
        except UnreadableError as error:
            raise _about(error, call) from None
        except MinigraphError as error:
            raise UnreadableError(f"node '{call.name}' ({call.kind}): {error}") from error
        except Damaged as error:
            raise DataLossError(f"node '{call.name}' ({call.kind}): {error}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            text = f"node '{call.name}' ({call.kind}): its attributes and inputs do not fit together: {error}"
            raise UnreadableError(text) from error
        self._keep(message, made)
        self._follow(message, guards, [self.guards.get(c, ()) for c in control])
        before = [*map(base_name, data), *control]
        node = self.nodes[message.name]
        if gradient is not None:
            self.graph.override_gradient(node, gradient if _is_same(node, call) else Unfit(gradient, call.kind))
        waits = isinstance(node.op, Identity | NoOp)
        passed = [check for b in before if waits for check in self.checks.get(b, ())]
        self.checks[message.name] = [node] if node.op.checks else list(dict.fromkeys(passed))
        self.effects[message.name] = node.op.stateful or any(self.effects.get(b, False) for b in before)

    def _reread(self, tensor: Tensor, before: Sequence[Node]) -> Tensor:
        """A variable's value behind effects. TensorFlow's reads are no copies, so who reads late sees the new value."""
        if not isinstance(tensor.node.op, ReadVariable) or tensor.node.control_inputs:
            return tensor
        with self.graph.control_dependencies(before), self.graph.name_scope(f"{tensor.node.name}/"):
            return apply(ReadVariable(), tensor.node.inputs[0], name="behind")

    def _own(self, call: TfNode, message: Any) -> Result:
        kind = find_op(message.op)
        if kind is None:
            call.unsupported("minigraph has no such op")
        plain = json.loads(message.attr[OWN].s.decode())
        return call.node(kind(**attributes_from(plain, self.budget)), *call.inputs)

    def _input(self, message: Any, position: int, name: str) -> Tensor:
        if name in self.replaced:
            given = self.replaced[name]
            expected = self.expected.get(name, given.dtype)
            if expected is not given.dtype:
                raise GraphError(
                    f"Input {position} of node '{message.name}' ({message.op}) was passed {given.dtype.name} from "
                    f"{given.name} incompatible with expected {expected.name}."
                )
            if name not in self.tensors:
                self.tensors[name] = self._stand_in(given)
        if name in self.tensors:
            return self.tensors[name]
        if base_name(name) in self.left_out:
            raise UnreadableError(f"node '{message.name}' ({message.op}) reads '{name}', which only saves or restores")
        raise GraphError(f"node '{message.name}' ({message.op}) reads '{name}', which its node does not give")

    def _stand_in(self, given: Tensor) -> Tensor:
        """A placeholder, or the same constant, for a tensor of another graph."""
        known = static_value(given)
        op = Placeholder(given.dtype, given.type.shape) if known is None else Const(known)
        tensor = self.graph.add(op, (), f"input_map_{len(self.stand_ins)}").outputs[0]
        self.stand_ins[tensor] = given
        return tensor

    def _keep(self, message: Any, made: Result) -> None:
        if isinstance(made, Node):
            self.nodes[message.name], outputs = made, made.outputs
        else:
            outputs = (made,) if isinstance(made, Tensor) else tuple(made)
            self.nodes[message.name] = self.graph.get_operation_by_name(message.name)
        for i, tensor in enumerate(outputs):
            name = f"{message.name}:{i}"
            self.expected[name] = tensor.dtype
            self.tensors[name] = self._stand_in(self.replaced[name]) if name in self.replaced else tensor

    # conditions

    def _guard(self, name: str) -> Guard:
        return self.guards.get(name, self.guards.get(base_name(name), ()))

    def _follow(self, message: Any, guards: Sequence[Guard], control: Iterable[Guard]) -> None:
        if message.op == "Merge":
            first, second = guards
            deepest: Guard = first[: shared_conditions(first, second)]
        else:
            deepest = max([*guards, *control], key=len, default=())
        if message.op in ("Switch", "RefSwitch"):
            if len(deepest) >= _DEEPEST:
                where = f"node '{message.name}' ({message.op})"
                raise UnreadableError(f"{where}: more than {_DEEPEST} conditions lie in each other")
            pred = condition(self.tensors[full_name(message.input[1])])
            for i in (0, 1):
                self.guards[f"{message.name}:{i}"] = (*deepest, (pred, i))
        self.guards[message.name] = deepest


def _is_same(node: Node, call: TfNode) -> bool:
    """Whether a node has the inputs of its TensorFlow form."""
    return len(node.inputs) == len(call.inputs) and all(map(operator.is_, node.inputs, call.inputs))


def _about(error: UnreadableError, call: TfNode) -> UnreadableError:
    text = str(error)
    return error if text.startswith("node '") else UnreadableError(f"node '{call.name}' ({call.kind}): {text}")


def unused_replacements(message: Any, replaced: Iterable[str]) -> list[str]:
    """The names in `input_map` that no node of the message gives or reads."""
    read = {full_name(i) for node in message.node for i in node.input if not i.startswith("^")}
    names = {node.name for node in message.node}
    return [name for name in replaced if full_name(name) not in read and base_name(name) not in names]
