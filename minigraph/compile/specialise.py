"""From the user's graph to a program: prune to what a run needs, with every shape a number.

`SAME` padding, dynamic shapes and broadcasts become explicit here, by each op's own `specialise`; inputs that were only
read for their shape fall away, and equal computations become one instruction.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.compile.effects import writes_before
from minigraph.compile.misfit import explained
from minigraph.core.dtypes import string
from minigraph.core.errors import DTypeError, InvalidArgumentError, ResourceExhaustedError, ShapeError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.ir.program import Builder, Cell, Feed, Instr, Program, Value, reachable
from minigraph.ops.collective.collective import Collective
from minigraph.ops.constant import Const, Placeholder, computed
from minigraph.ops.control.branches import Merge, Switch
from minigraph.ops.control.recompute import copies_of
from minigraph.ops.identity import Identity, IdentityN
from minigraph.ops.state.variable import ReadVariable, VariableV2

RANDOM_STATE = "random:"  # before a random node's name: the cell of its state; no variable's name has a colon
_ADDRESSABLE = 2**56  # bytes; more than a processor can address
_FOLD_LIMIT = 1024  # elements; only shape arithmetic is folded here


def specialise(
    fetches: Sequence[Tensor],
    targets: Sequence[Node],
    feeds: Sequence[Tensor],
    types: Sequence[TensorType],
    branches: Mapping[Tensor, Any] | None = None,
) -> Program:
    """The program that computes `fetches` and runs `targets` when `feeds` have the static `types`.

    branches: the conditions of `tf.cond` whose value is known; of these, only the branch taken is compiled. Also the
    other values that the host has decided, as `decided` packs them; they become constants.

    InvalidArgumentError for a placeholder that is needed and not fed, or for shapes that turn out not to fit.
    """
    return _Specialiser(feeds, types, branches or {}).program(fetches, targets)


class _Specialiser:
    def __init__(self, feeds: Sequence[Tensor], types: Sequence[TensorType], branches: Mapping[Tensor, Any]) -> None:
        self.branches = branches
        self.builder = Builder()
        self.feed_types = tuple(types)
        self.values: dict[Tensor, Value] = {}
        self.instrs: dict[Node, Instr] = {}
        self.known: dict[Instr, Sequence[Any] | None] = {}  # the results of what follows from constants
        self.effects: dict[Instr, tuple[Instr, ...]] = {}  # see `_behind`
        self.collective: tuple[Instr, ...] = ()  # the last one
        self.guards: dict[Tensor, Value] = {}  # constants after their control inputs; `values` has plain copies
        self.follows: dict[Node, frozenset[Node]] = {}  # which of these control inputs each node comes after
        self.last_write: dict[Instr, Value] = {}  # by cell: the value that the run leaves in it
        for slot, (tensor, kind) in enumerate(zip(feeds, types, strict=True)):
            instr = self.builder.add(Feed(slot, kind), name=tensor.node.name, source=tensor.node.source)
            self.values |= dict.fromkeys((tensor, *copies_of(tensor)), Value(instr, 0))

    def program(self, fetches: Sequence[Tensor], targets: Sequence[Node]) -> Program:
        nodes = self._needed([t.node for t in fetches if t not in self.values] + list(targets))
        before = writes_before(nodes, self._predecessors)
        awaited = {c for node in nodes if isinstance(node.op, Const) for c in node.control_inputs}
        for node in self._in_order(nodes, before) if before else nodes:
            if awaited:
                self.follows[node] = self._followed([t.node for t in node.inputs], node) | (awaited & {node})
            self._lower(node, before.get(node, ()))
        results = tuple(self._fetched(t) for t in fetches)
        roots = [v.instr for v in results] + [self.instrs[n] for n in targets if n in self.instrs]
        return Program(reachable(roots), results, self.feed_types)

    def _needed(self, roots: list[Node]) -> list[Node]:
        """The nodes that the roots depend on, except fed tensors, in creation order."""
        seen: set[Node] = set()
        stack = roots
        while stack:
            node = stack.pop()
            if node in seen or (node.outputs and all(t in self.values for t in node.outputs)):
                continue
            seen.add(node)
            stack.extend(self._predecessors(node))
        return sorted(seen, key=lambda n: n.id)

    def _predecessors(self, node: Node) -> list[Node]:
        inputs = [t.node for t in taken_inputs(node, self.branches) if t not in self.values]
        return [*inputs, *node.control_inputs]

    def _in_order(self, nodes: Sequence[Node], before: Mapping[Node, Sequence[Node]]) -> Iterable[Node]:
        """The nodes with each write after those in `before`, otherwise in creation order."""
        included = set(nodes)
        followers: dict[Node, list[Node]] = {}
        waiting: dict[Node, int] = {}
        for node in nodes:
            needed = {p for p in (*self._predecessors(node), *before.get(node, ())) if p in included}
            waiting[node] = len(needed)
            for predecessor in needed:
                followers.setdefault(predecessor, []).append(node)
        ready = [(n.id, n) for n in nodes if not waiting[n]]
        while ready:
            _, node = heapq.heappop(ready)
            yield node
            for follower in followers.get(node, ()):
                waiting[follower] -= 1
                if not waiting[follower]:
                    heapq.heappush(ready, (follower.id, follower))

    def _fed_twin(self, node: Node) -> str:
        """Advice if another placeholder is fed that the same code made, when it ran again."""
        fed = (t.node for t in self.values if isinstance(t.node.op, Placeholder))
        name, text = _without_numbers(node.name), node.source.text  # other names: a function that was called for each
        twin = next((n for n in fed if n.source.text == text and _without_numbers(n.name) == name), None)
        if twin is None or not text:
            return ""
        return (
            f". '{twin.name}' is fed, which was made at {twin.source.describe()}. If that code was run again, what was "
            "built before still uses the old placeholder: run all code that builds the graph again, after "
            "tf.reset_default_graph()."
        )

    def _lower(self, node: Node, behind: Sequence[Node]) -> None:
        op = node.op
        if any(t.dtype is string for t in node.outputs):
            return  # made on the host from this program's results
        if op.staged and not node.outputs:
            return  # it has run, before this program
        if isinstance(op, Placeholder):
            raise InvalidArgumentError(
                f"You must feed a value for placeholder tensor '{node.name}' with dtype {op.dtype.name} and shape "
                f"{format_shape(op.shape)} (made at {node.source.describe()}){self._fed_twin(node)}",
                node,
            )
        if isinstance(op, VariableV2):
            instr = self.builder.add(Cell(op.shared_name, op.type), name=node.name, source=node.source)
            self._bind(node, instr)
            return
        if op.decides and node.outputs[0] in self.branches:
            array = _unpacked(self.branches[node.outputs[0]], op.infer(*(t.type for t in node.inputs))[0])
            self._bind(node, self.builder.add(Const(array), (), self._behind(()), node.name, node.source))
            return
        if isinstance(op, Switch | Merge) and node.inputs[-1] in self.branches:
            (source,) = taken_inputs(node, self.branches)
            instr = self.builder.add(Const(np.array(self.branches[node.inputs[-1]], np.int32)))
            index = [Value(instr, 0)] if isinstance(op, Merge) else []
            sides = [self._guarded(source, node)] * (len(node.outputs) - len(index))
            self.values.update(zip(node.outputs, [*sides, *index], strict=True))
            self.instrs[node] = sides[0].instr
            return
        control = dict.fromkeys(self.instrs[c] for c in (*node.control_inputs, *behind) if c in self.instrs)
        inputs: list[Value] = []
        try:
            inputs = [self._operand(op, i, t, node) for i, t in enumerate(node.inputs)]
            self.builder.infer(op, tuple([v.type for v in inputs]))
            if op.expands:
                self._expand(node, inputs, (*node.control_inputs, *behind))
                return
            op, kept = op.specialise([v.type for v in inputs], [_constant(v) for v in inputs])
            lost = [v.instr for i, v in enumerate(inputs) if op.stateful or i not in kept]
            control |= dict.fromkeys(self._behind((*control, *lost)))
            inputs = [inputs[i] for i in kept]
            if isinstance(op, Collective):
                control |= dict.fromkeys(self.collective)  # in graph order, so on all ranks alike
            if op.draws:
                cell = self.builder.add(
                    Cell(RANDOM_STATE + node.name, node.outputs[-1].type), name=node.name, source=node.source
                )
                inputs.append(Value(cell, 0))
            if isinstance(op, Identity | IdentityN) and not control:
                for output, value in zip(node.outputs, inputs, strict=True):
                    self.values.setdefault(output, value)
                self.instrs[node] = inputs[0].instr
                return
            if isinstance(node.op, Const) and control:
                self._guard(node, tuple(control))
                return
            instr = self.builder.add(op, inputs, tuple(control), node.name, node.source)
            if isinstance(op, Collective):
                self.collective = (instr,)
            for kind in instr.types:
                if kind.static and kind.nbytes > _ADDRESSABLE:
                    raise ResourceExhaustedError(f"out of memory: a tensor {kind} has {kind.nbytes:,} bytes")
        except (ShapeError, DTypeError) as error:
            given = ", ".join(str(v.type) for v in inputs)
            raise InvalidArgumentError(
                f"{error} (node '{node.name}' on [{given}], made at {node.source.describe()})", node
            ) from None
        except Exception as error:
            where = f"in {node.type} node '{node.name}', made at {node.source.describe()}"
            types, consts = [v.type for v in inputs], [_constant(v) for v in inputs]
            raise explained(error, where, node, node.op, types, consts) from error
        self._bind(node, self._folded(instr))

    def _expand(self, node: Node, inputs: Sequence[Value], behind: Sequence[Node]) -> None:
        """Lower the nodes that spell `node` out in its place. They have its line, and its name as their scope."""
        inner = Graph()
        with inner.as_default(), inner.made_at(node.source), inner.name_scope(f"{node.name}/"):
            given = [inner.add(Placeholder(v.type.dtype, v.type.shape), ()).outputs[0] for v in inputs]
            self.values.update(zip(given, inputs, strict=True))
            results = node.op.expand(given, [self._known(v) for v in inputs])
        for part in self._needed([t.node for t in results if t not in self.values]):
            self._lower(part, behind)
        for outer, result in zip(node.outputs, results, strict=True):
            value = self.values[result]
            if not compatible(outer.type.shape, value.type.shape) or outer.dtype is not value.type.dtype:
                raise ShapeError(f"the result is {value.type}, not {outer.type} as the graph says")
            self.values.setdefault(outer, value)
        self.instrs[node] = self.values[results[0]].instr

    def _known(self, value: Value) -> Any:
        """The value of a constant, or of a small result that follows from constants; else None."""
        op = value.instr.op
        if isinstance(op, Const):
            return op.value
        if value.instr not in self.known:
            self.known[value.instr] = self._computed(value.instr)
        results = self.known[value.instr]
        return None if results is None else results[value.output]

    def _computed(self, instr: Instr) -> Sequence[Any] | None:
        small = all(t.size <= _FOLD_LIMIT for t in instr.types)
        if not small or not instr.inputs or instr.op.stateful or instr.control or instr.op.staged:
            return None
        constants = [self._known(v) for v in instr.inputs]
        return None if any(c is None for c in constants) else computed(instr.op, constants)

    def _operand(self, op: Op, position: int, tensor: Tensor, node: Node) -> Value:
        if tensor.dtype is string:
            raise DTypeError("string tensors can be read only by ops that make strings")
        value = self._guarded(tensor, node)
        if position in op.reads or position in op.writes:
            return value
        return self._readable(value, node)

    def _guard(self, node: Node, control: tuple[Instr, ...]) -> None:
        """Lower a constant with control inputs: to itself, and a plain copy for nodes that come after these anyway."""
        plain, guarded = (self.builder.add(node.op, (), c, node.name, node.source) for c in ((), control))
        self.guards[node.outputs[0]] = Value(guarded, 0)
        self.values[node.outputs[0]] = Value(plain, 0)
        self._bind(node, guarded)

    def _guarded(self, tensor: Tensor, node: Node | None = None) -> Value:
        """The value of a tensor for a node, or a fetch: the guarded one if a constant's control inputs matter there."""
        if tensor in self.guards:
            others = [] if node is None else [t.node for t in node.inputs if t not in self.guards]
            if not self._followed(others, node).issuperset(tensor.node.control_inputs):
                return self.guards[tensor]
        return self.values[tensor]

    def _followed(self, inputs: Sequence[Node], node: Node | None) -> frozenset[Node]:
        """Which of the control inputs of constants a node comes after, by some of its inputs and its control inputs."""
        before = (*inputs, *(node.control_inputs if node else ()))
        return frozenset[Node]().union(*(self.follows.get(n, ()) for n in before))

    def _fetched(self, tensor: Tensor) -> Value:
        """The tensor's value. A variable's buffer is read after the last write of the run."""
        value = self._guarded(tensor)
        return self.last_write[value.instr] if value.instr in self.last_write else self._readable(value, tensor.node)

    def _readable(self, value: Value, node: Node) -> Value:
        """The value itself, or for a variable's buffer a read of it as it is before the run's writes."""
        if not isinstance(value.instr.op, Cell):
            return value
        return Value(self.builder.add(ReadVariable(), (value,), name=value.instr.name, source=node.source), 0)

    def _behind(self, instrs: Iterable[Instr]) -> tuple[Instr, ...]:
        """The nearest writes that `instrs` come after.

        Instructions that read, write or order are tied to these writes directly, as are those that lose an input to
        them. So the order of effects survives all folding and simplification.
        """
        found = [e for i in instrs for e in self.effects.get(i, ())]
        return tuple(dict.fromkeys(found)) if found else ()

    def _bind(self, node: Node, instr: Instr) -> None:
        self.instrs[node] = instr
        if instr not in self.effects:
            writes = () if instr.op.draws else instr.op.writes
            self.effects[instr] = (instr,) if writes else self._behind(instr.predecessors)
            for output, position in enumerate(writes, len(instr.types) - len(writes)):
                self.last_write[instr.inputs[position].instr] = Value(instr, output)
        for index, tensor in enumerate(node.outputs):
            self.values.setdefault(tensor, Value(instr, index))

    def _folded(self, instr: Instr) -> Instr:
        """Integer arithmetic on constants, such as shapes computed in the graph, done now."""
        constants = [self._known(v) for v in instr.inputs]
        if not constants or any(c is None for c in constants):
            return instr
        small = all(t.dtype.np_dtype.kind in "iub" and t.size <= _FOLD_LIMIT for t in instr.types)
        if instr.op.stateful or instr.control or not small or len(instr.types) != 1:
            return instr
        results = computed(instr.op, constants)
        if results is None:
            return instr
        array = np.array(results[0], instr.types[0].dtype.np_dtype)
        return self.builder.add(Const(array), (), self._behind(instr.predecessors), instr.name, instr.source)


def _without_numbers(name: str) -> str:
    """A name without the numbers that make it and its scopes unique, as in `model_1/x_2`."""
    return re.sub(r"_\d+(?=/|$)", "", name)


def decided(array: np.ndarray) -> Any:
    """A value that the host has decided, hashable: a truth value as a bool, anything else as its bytes and shape."""
    return bool(array) if array.dtype == bool and not array.shape else (array.tobytes(), array.shape)


def _unpacked(value: Any, kind: TensorType) -> np.ndarray:
    if isinstance(value, bool):
        return np.array(value)
    return np.frombuffer(value[0], kind.dtype.np_dtype).reshape(value[1])


def taken_inputs(node: Node, branches: Mapping[Tensor, Any]) -> tuple[Tensor, ...]:
    """The inputs that a run computes: all of them, or for a decided branch only the input taken."""
    if not isinstance(node.op, Switch | Merge) or node.inputs[-1] not in branches:
        return node.inputs
    return node.inputs[:1] if isinstance(node.op, Switch) else (node.inputs[int(branches[node.inputs[-1]])],)


def _constant(value: Value) -> Any:
    op = value.instr.op
    return op.value if isinstance(op, Const) else None
