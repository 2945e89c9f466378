"""Functions of TensorFlow's graphs, put in place of the nodes that call them: calls, conditions, choices and loops.

A condition becomes Switch and Merge nodes, a loop a frame, as TensorFlow's runtime rewrites them before it runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.protos import proto
from minigraph.formats.tensorflow.numbers import NUMBERS
from minigraph.formats.tensorflow.values import UnreadableError, attribute
from minigraph.graphs.importing import base_name
from minigraph.util.read_budget import Budget, Damaged

CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
CONDITIONS, WHILES = frozenset(("If", "StatelessIf")), frozenset(("While", "StatelessWhile"))
CASES = frozenset(("Case", "StatelessCase"))
Results = tuple[list[str], list[str]]  # of a function or a condition, and the nodes with its effects
_DEEPEST = 64  # calls in each other

# The outputs of ops that have several arguments of output, which functions refer to by name.
_OUTPUTS: dict[str, tuple[str, ...]] = {
    "BroadcastGradientArgs": ("r0", "r1"),
    "ListDiff": ("out", "idx"),
    "MaxPoolWithArgmax": ("output", "argmax"),
    **dict.fromkeys(("Merge", "RefMerge"), ("output", "value_index")),
    "NonMaxSuppressionV4": ("selected_indices", "valid_outputs"),
    "NonMaxSuppressionV5": ("selected_indices", "selected_scores", "valid_outputs"),
    "Qr": ("q", "r"),
    "SampleDistortedBoundingBox": ("begin", "size", "bboxes"),
    "SampleDistortedBoundingBoxV2": ("begin", "size", "bboxes"),
    "SelfAdjointEigV2": ("e", "v"),
    "SoftmaxCrossEntropyWithLogits": ("loss", "backprop"),
    "SparseSoftmaxCrossEntropyWithLogits": ("loss", "backprop"),
    "Svd": ("s", "u", "v"),
    **dict.fromkeys(("Switch", "RefSwitch"), ("output_false", "output_true")),
    "TensorArrayConcatV3": ("value", "lengths"),
    "TensorArrayGradV3": ("grad_handle", "flow_out"),
    "TensorArrayV3": ("handle", "flow"),
    "TensorListPopBack": ("output_handle", "tensor"),
    "TopK": ("values", "indices"),
    "TopKV2": ("values", "indices"),
    "Unique": ("y", "idx"),
    "UniqueV2": ("y", "idx"),
    "UniqueWithCounts": ("y", "idx", "count"),
    "Unstage": ("values",),
    **{f"FusedBatchNorm{v}": ("y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2",
                              "reserve_space_3") for v in ("", "V2", "V3")},
    **{f"FusedBatchNormGrad{v}": ("x_backprop", "scale_backprop", "offset_backprop", f"reserve_space_{n}",
                                  f"reserve_space_{n + 1}") for v, n in (("", 3), ("V2", 3), ("V3", 4))},
}  # fmt: skip


def without_functions(message: Any) -> Any:
    """The `GraphDef` with the bodies of its functions in place of what calls them; itself if there is none.

    UnreadableError for a function that is missing, or that calls itself, and for more or larger nodes than a file of
    its size may have.
    """
    functions = {f.signature.name: f for f in message.library.function}
    if not any(_is_call(node, functions) for node in message.node):
        return message
    writer = _Writer(functions, Budget(message.ByteSize))
    for node in message.node:
        writer.add(node, 0)
    found = proto("graph", "GraphDef")(node=writer.nodes, versions=message.versions)
    found.library.CopyFrom(message.library)
    return found


def _is_call(node: Any, functions: Mapping[str, Any]) -> bool:
    return any(node.op in kinds for kinds in (CALLS, CONDITIONS, CASES, WHILES, functions))


class _Writer:
    """The nodes of the graph without functions."""

    def __init__(self, functions: Mapping[str, Any], budget: Budget) -> None:
        self.functions = functions
        self.budget = budget
        self.nodes: list[Any] = []
        self._forms = ((WHILES, self._loop), (CONDITIONS, self._condition), (CASES, self._case))

    def add(self, node: Any, depth: int) -> None:
        """Append a node, or what a call stands for."""
        if depth:
            self._charge(node, 1)
        if depth > _DEEPEST:
            raise UnreadableError(f"node '{node.name}' ({node.op}): more than {_DEEPEST} functions call each other")
        add = next((add for kinds, add in self._forms if node.op in kinds), self._call)
        if not _is_call(node, self.functions):
            self.nodes.append(node)
            return
        try:
            add(node, depth)
        except (LookupError, ValueError) as error:
            if isinstance(error, UnreadableError):
                raise
            text = f"node '{node.name}' ({node.op}): its inputs and results do not fit to its functions: {error}"
            raise UnreadableError(text) from None

    def _charge(self, node: Any, entries: int) -> None:
        """Count a node that the file does not hold itself."""
        try:
            self.budget.visit(f"node '{node.name}' ({node.op})", entries)
            self.budget.take(node.name, (node.ByteSize(),), 1)
        except Damaged as error:
            raise UnreadableError(f"the functions of the graph call each other too often: {error}") from None

    def _new(self, kind: str, name: str, *inputs: str, dtype: int = 0) -> str:
        node = proto("node_def", "NodeDef")(name=name, op=kind, input=inputs)
        if dtype:
            node.attr["T"].type = dtype
        self._charge(node, 0)
        self.nodes.append(node)
        return name

    def _results(self, node: Any, results: Sequence[str], effects: Sequence[str], dtypes: Sequence[int]) -> None:
        """The node of the call's own name: copies of its results, behind its effects."""
        kind = "NoOp" if not results else "Identity" if len(results) == 1 else "IdentityN"
        self._new(kind, node.name, *results, *(f"^{e}" for e in effects))
        if len(results) > 1:
            self.nodes[-1].attr["T"].list.type.extend(dtypes)
        elif results:
            self.nodes[-1].attr["T"].type = dtypes[0]

    def _call(self, node: Any, depth: int) -> None:
        function = self._function(node, _attr(node, "f").func.name if node.op in CALLS else node.op)
        data, control = _split(node.input)
        results, effects = self._body(node, function, node.name, data, control, (), depth)
        self._results(node, results, effects, [a.type for a in function.signature.output_arg])

    def _condition(self, node: Any, depth: int) -> None:
        (pred, *data), control = _split(node.input)
        kinds = list(_attr(node, "Tin").list.type)
        if _attr(node, "Tcond").type not in (0, NUMBERS["bool"]):
            pred = self._new("Cast", f"{node.name}/condition", pred)
            self.nodes[-1].attr["SrcT"].type = _attr(node, "Tcond").type
            self.nodes[-1].attr["DstT"].type = NUMBERS["bool"]
        functions = {side: self._function(node, _attr(node, f"{side}_branch").func.name) for side in ("else", "then")}

        def branch(side: str, given: Sequence[str], inside: str) -> Results:
            return self._body(node, functions[side], f"{node.name}/{side}", given, (), [f"^{inside}"], depth)

        outputs = [a.type for a in functions["then"].signature.output_arg]
        results, effects = self._either(node.name, pred, data, kinds, control, outputs, branch)
        self._results(node, results, effects, outputs)

    def _either(
        self, name: str, pred: str, data: Sequence[str], kinds: Sequence[int], control: Sequence[str],
        outputs: Sequence[int], branch: Callable[[str, Sequence[str], str], Results],
    ) -> Results:  # fmt: skip
        """Append both sides of a condition below `name`; its results, and a node that stands for its effects.

        branch: appends the side "else" or "then", given its tensors and a node that is computed on this side only.
        """
        pivot = self._new("Switch", f"{name}/pivot", pred, pred, *control, dtype=NUMBERS["bool"])
        switches = [self._new("Switch", f"{name}/switch_{i}", x, pred, *control, dtype=kinds[i])
                    for i, x in enumerate(data)]  # fmt: skip
        sides: list[list[str]] = []
        for side, label in enumerate(("else", "then")):
            inside = self._new("Identity", f"{name}/pivot_{label}", f"{pivot}:{side}", dtype=NUMBERS["bool"])
            results, effects = branch(label, [f"{s}:{side}" for s in switches], inside)
            # A copy of the condition stands for the effects: it is a result, so a run of the node needs them.
            ordered = self._new("Identity", f"{name}/done_{label}", inside, *(f"^{e}" for e in effects))
            self.nodes[-1].attr["T"].type = NUMBERS["bool"]
            sides.append([*results, ordered])
        merges = [self._new("Merge", f"{name}/merge_{i}", no, yes, dtype=[*outputs, NUMBERS["bool"]][i])
                  for i, (no, yes) in enumerate(zip(*sides, strict=True))]  # fmt: skip
        return merges[:-1], merges[-1:]

    def _case(self, node: Any, depth: int) -> None:
        """Append a choice among several functions by a number, as conditions that halve the range of the number."""
        (index, *data), control = _split(node.input)
        functions = [self._function(node, f.name) for f in _attr(node, "branches").list.func]
        if not functions:
            raise UnreadableError(f"node '{node.name}' ({node.op}) has no branches")
        kinds, outputs = [NUMBERS["int32"], *_attr(node, "Tin").list.type], list(_attr(node, "Tout").list.type)

        if len(functions) == 1:  # the number decides nothing, but what it does comes first
            before = [*control, f"^{base_name(index)}"]
            results, effects = self._body(node, functions[0], node.name, data, before, (), depth)
            self._results(node, results, effects, outputs)
            return

        def among(low: int, high: int, name: str, given: Sequence[str], before: Sequence[str], pivot: str) -> Results:
            if high - low == 1:
                return self._body(node, functions[low], name, given[1:], before, [pivot], depth)
            middle = (low + high) // 2

            def branch(side: str, values: Sequence[str], inside: str) -> Results:
                half = (low, middle) if side == "then" else (middle, high)
                return among(*half, f"{name}/{side}", values, (), f"^{inside}")

            less = self._new("Less", f"{name}/less", given[0], self._number(f"{name}/middle", middle), dtype=kinds[0])
            return self._either(name, less, given, kinds, before, outputs, branch)

        # A number outside the range chooses the last function.
        last, zero = (self._number(f"{node.name}/{n}", v) for n, v in (("last", len(functions) - 1), ("zero", 0)))
        below = self._new("Less", f"{node.name}/below", index, zero, dtype=kinds[0])
        clipped = self._new("Minimum", f"{node.name}/clipped", index, last, dtype=kinds[0])
        chosen = self._new("Select", f"{node.name}/chosen", below, last, clipped, dtype=kinds[0])
        results, effects = among(0, len(functions), node.name, [chosen, *data], control, "")
        self._results(node, results, effects, outputs)

    def _number(self, name: str, value: int) -> str:
        """The name of a new int32 constant."""
        self._new("Const", name)
        self.nodes[-1].attr["dtype"].type = NUMBERS["int32"]
        self.nodes[-1].attr["value"].CopyFrom(attribute(np.array(value, np.int32)))
        return name

    def _loop(self, node: Any, depth: int) -> None:
        data, control = _split(node.input)
        kinds, name = list(_attr(node, "T").list.type), node.name
        cond, body = (self._function(node, _attr(node, key).func.name) for key in ("cond", "body"))
        fixed = _unchanged(body, len(data))
        changing = [i for i in range(len(data)) if i not in fixed]
        if not changing:
            raise UnreadableError(f"node '{name}' ({node.op}): no step of the loop changes a variable")
        merged, inside = {}, {}
        for i, x in enumerate(data):
            enter = self._new("Enter", f"{name}/enter_{i}", x, *control, dtype=kinds[i])
            self.nodes[-1].attr["frame_name"].s = name.encode()
            self.nodes[-1].attr["is_constant"].b = i in fixed
            merged[i] = inside[i] = enter
            if i not in fixed:
                merged[i] = self._new("Merge", f"{name}/merge_{i}", enter, f"{name}/next_{i}", dtype=kinds[i])
                switch = self._new("Switch", f"{name}/switch_{i}", merged[i], f"{name}/go", dtype=kinds[i])
                inside[i] = f"{switch}:1"
        at_test, in_body = [f"^{merged[changing[0]]}"], [f"^{name}/pivot"]
        (go,), _ = self._body(node, cond, f"{name}/cond", [merged[i] for i in range(len(data))], (), at_test, depth)
        self._new("LoopCond", f"{name}/go", go)
        self._new("Identity", f"{name}/pivot", inside[changing[0]], dtype=kinds[changing[0]])
        results, effects = self._body(
            node, body, f"{name}/body", [inside[i] for i in range(len(data))], (), in_body, depth
        )
        for i in changing:
            behind = (f"^{e}" for e in effects)
            self._new("NextIteration", f"{name}/next_{i}", results[i], *behind, dtype=kinds[i])
            self._new("Exit", f"{name}/exit_{i}", f"{name}/switch_{i}", dtype=kinds[i])
        self._results(node, [x if i in fixed else f"{name}/exit_{i}" for i, x in enumerate(data)], (), kinds)

    def _function(self, node: Any, name: str) -> Any:
        if name not in self.functions:
            raise UnreadableError(f"node '{node.name}' ({node.op}) calls the function '{name}', which the graph lacks")
        return self.functions[name]

    def _body(
        self, node: Any, function: Any, scope: str, given: Sequence[str], control: Iterable[str],
        pivot: Iterable[str], depth: int,
    ) -> Results:  # fmt: skip
        """Append the nodes of a function below `scope`; its results, and the nodes with the effects.

        control: what all nodes follow. pivot: what those follow that read no other, to be in a branch or a loop.
        """
        arguments = [a.name for a in function.signature.input_arg]
        if len(arguments) != len(given):
            text = f"calls '{function.signature.name}', which takes {len(arguments)} tensors, with {len(given)}"
            raise UnreadableError(f"node '{node.name}' ({node.op}) {text}")
        kinds = {n.name: n for n in function.node_def}
        renamed = self._renaming(function, dict(zip(arguments, given, strict=True)), kinds, scope)
        for inner in function.node_def:
            copy = proto("node_def", "NodeDef")()
            copy.CopyFrom(inner)
            copy.name = f"{scope}/{inner.name}"
            data, before = _split(inner.input)
            del copy.input[:]
            copy.input.extend([*map(renamed, data), *(c for c in map(renamed, before) if c), *control])
            copy.input.extend(() if data else pivot)
            if "frame_name" in copy.attr:
                copy.attr["frame_name"].s = f"{scope}/".encode() + copy.attr["frame_name"].s
            for key, value in inner.attr.items():
                if value.placeholder:
                    copy.attr[key].CopyFrom(_attr(node, value.placeholder))
            self.add(copy, depth + 1)
        results = [renamed(function.ret[a.name]) for a in function.signature.output_arg]
        return results, [f"{scope}/{name}" for name in function.control_ret.values()]

    def _renaming(
        self, function: Any, given: Mapping[str, str], nodes: Mapping[str, Any], scope: str
    ) -> Callable[[str], str]:
        """The graph's name of what a node of a function reads: an argument, `node:argument:number`, or `^node`.

        A control input that is an argument is dropped: its value is an input anyway.
        """

        def renamed(name: str) -> str:
            if name.startswith("^"):
                return f"^{scope}/{name[1:]}" if name[1:] in nodes else ""
            node, *rest = name.split(":")
            if not rest and node in given:
                return given[node]
            if node not in nodes:
                text = f"the function '{function.signature.name}' reads '{name}', which it does not have"
                raise UnreadableError(text)
            outputs = self._outputs(nodes[node].op)
            if rest and len(outputs) > 1 and rest[0] not in outputs:
                text = f"the function '{function.signature.name}' reads '{name}'"
                raise UnreadableError(f"{text}, but the outputs of {nodes[node].op} are {', '.join(outputs)}")
            start = outputs.index(rest[0]) if len(outputs) > 1 and rest else 0
            return f"{scope}/{node}:{start + int(rest[1] if len(rest) > 1 else 0)}"

        return renamed

    def _outputs(self, op: str) -> Sequence[str]:
        """The names of the outputs of an op or a function; none for an op with one name for all of them."""
        if op in self.functions:
            return [a.name for a in self.functions[op].signature.output_arg]
        return _OUTPUTS.get(op, ())


def _split(inputs: Iterable[str]) -> tuple[list[str], list[str]]:
    """The tensors and the control inputs."""
    given = list(inputs)
    return [i for i in given if not i.startswith("^")], [i for i in given if i.startswith("^")]


def _unchanged(body: Any, count: int) -> set[int]:
    """The arguments that a step gives back as they are, such as the handle of a variable."""
    copied = {n.name: n.input[0] for n in body.node_def if n.op == "Identity" and n.input}
    found = set()
    for index in range(count):
        name = body.ret[body.signature.output_arg[index].name]
        for _ in range(_DEEPEST):
            name = copied.get(base_name(name), name)
        if name == body.signature.input_arg[index].name:
            found.add(index)
    return found


def _attr(node: Any, name: str) -> Any:
    """An attribute of a node, empty where it has none; reading it from the map itself would add it to the message."""
    return node.attr[name] if name in node.attr else proto("attr_value", "AttrValue")()
