"""The layers of a network: the nodes that make up each convolution, normalisation, loss …, found by what they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from minigraph.ops.math.exponential import Rsqrt
from minigraph.ops.nn.bias import BiasAdd
from minigraph.ops.nn.pool import Pool
from minigraph.viz.item import Item, consumers_of, differentiated
from minigraph.viz.words import words_of

Path = tuple[str, ...]
UPDATES = "updates"  # the outermost scope of all updates
_NONE = -1


@dataclass(slots=True)
class _Layer:
    """The positions of a layer's main nodes, in order.

    scope: set if everything in a name scope is in the layer. word: its function, if that is known already. compares:
    whether it compares results with labels.
    """

    members: list[int] = field(default_factory=list)
    scope: str = ""
    word: str = ""
    compares: bool = False


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of a network.

    of: the path of the layer of each of the user's nodes. words: what each layer computes, by path. A path consists of
    the scopes around the layer and its name; a space in a name stands for a slash.
    """

    of: Mapping[str, Path] = field(default_factory=dict)
    words: Mapping[Path, str] = field(default_factory=dict)

    def around(self, names: Iterable[str]) -> Path | None:
        """The innermost path that holds all of the user's nodes `names`; None if none of them is known."""
        paths = {self.of[n] for n in names if n in self.of}
        if not paths:
            return None
        first, last = min(paths), max(paths)
        return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def find_layers(items: Sequence[Item], kinds: Sequence[str]) -> Layers:
    """Group the nodes of a graph into layers. kinds: of the nodes, as from `kinds_of`."""
    finder = _Finder(items, kinds)
    finder.find()
    layers = [layer for layer in finder.layers if layer.members]
    paths = _paths(items, layers)
    start: list[Path] = [()] * len(items)
    for path, layer in zip(paths, layers, strict=True):
        for index in layer.members:
            start[index] = path
    placed = _Placing(items, kinds, start)
    placed.sources()
    placed.gradients()
    placed.updates()
    words = {
        path: words_of([items[i] for i in layer.members], items, layer.word)
        for path, layer in zip(paths, layers, strict=True)
    }
    return Layers({name: path for item, path in zip(items, placed.path, strict=True) for name in item.names}, words)


class _Finder:
    """Groups what is computed from the inputs. group: the number of each node's layer, or _NONE."""

    def __init__(self, items: Sequence[Item], kinds: Sequence[str]) -> None:
        self.items, self.kinds = items, kinds
        self.layers: list[_Layer] = []
        self.group = [_NONE] * len(items)
        self.flows = self._flowing()
        consumers = consumers_of(items)
        self.consumers = [[c for c in found if self.flows[c]] for found in consumers]

    def _flowing(self) -> list[bool]:
        """Whether each forward node depends on an input that is more than a number, such as images or labels."""
        flows = [k == "input" and item.types[0].shape != () for item, k in zip(self.items, self.kinds, strict=True)]
        for index, item in enumerate(self.items):
            if self.kinds[index] == "forward":
                flows[index] = any(flows[p] for p, _ in item.inputs)
        return flows

    def find(self) -> None:
        self._losses()
        self._scopes()
        for index in range(len(self.items)):
            if self.flows[index] and self.group[index] == _NONE and self.kinds[index] == "forward":
                joined = self._joined(index)
                if joined == _NONE:
                    self.layers.append(_Layer())
                    joined = len(self.layers) - 1
                self.group[index] = joined
                self.layers[joined].members.append(index)
            elif self.group[index] != _NONE:
                self.layers[self.group[index]].members.append(index)

    def _joined(self, index: int) -> int:
        """The layer before a node that the node finishes: a bias, an activation, an operand of the same layer."""
        if not self._is_pointwise(index):
            return _NONE
        producers = {p for p, _ in self.items[index].inputs if self.flows[p]}
        groups = {self.group[p] for p in producers}
        together = all(self._is_pointwise(c) for p in producers for c in self.consumers[p])
        return groups.pop() if len(groups) == 1 and together else _NONE

    def _is_pointwise(self, index: int) -> bool:
        item = self.items[index]
        return isinstance(item.op, BiasAdd) or item.op.is_pointwise([self.items[p].types[o] for p, o in item.inputs])

    def _losses(self) -> None:
        """A layer for each connected part that compares results with labels."""
        leads = [False] * len(self.items)
        for index in reversed(range(len(self.items))):
            leads[index] = self.items[index].op.contracts or any(leads[c] for c in self.consumers[index])
        if not any(leads[i] for i, k in enumerate(self.kinds) if k == "input" and self.flows[i]):
            return
        compares = [k == "input" and f and not x for k, f, x in zip(self.kinds, self.flows, leads, strict=True)]
        for index, item in enumerate(self.items):
            if not (self.flows[index] and any(compares[p] for p, _ in item.inputs)):
                continue
            compares[index] = True
            before = {self.group[p] for p, _ in item.inputs} - {_NONE}
            kept = min(before, default=len(self.layers))
            if kept == len(self.layers):
                self.layers.append(_Layer(compares=True))
            self.group = [kept if g in before else g for g in self.group]
            self.group[index] = kept

    def _scopes(self) -> None:
        """A layer for each scope that only normalises or only drops out."""
        held: Counter[str] = Counter()  # what a scope may hold once
        for index, item in enumerate(self.items):
            main = isinstance(item.op, Rsqrt) or item.op.draws
            if main or item.op.contracts or isinstance(item.op, Pool) or self.group[index] != _NONE:
                held.update(dict.fromkeys(_scopes(item.name), 1 if main else 2))
        for item in self.items:
            if not (isinstance(item.op, Rsqrt) or item.op.draws):
                continue
            alone = [scope for scope in _scopes(item.name) if held[scope] == 1]
            if alone:
                self._take(alone[0], "dropout" if item.op.draws else "batch normalisation")

    def _take(self, scope: str, word: str) -> None:
        inside = [i for i, item in enumerate(self.items) if item.name == scope or item.name.startswith(f"{scope}/")]
        mine = [i for i in inside if self.flows[i] and self.kinds[i] == "forward"]
        if not mine or any(self.group[i] != _NONE for i in mine):
            return
        self.layers.append(_Layer(scope=scope, word=word))
        for index in mine:
            self.group[index] = len(self.layers) - 1


def _scopes(name: str) -> list[str]:
    """The scopes around a node, the outermost first."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _paths(items: Sequence[Item], layers: Sequence[_Layer]) -> list[Path]:
    """A path for each layer. No path leads through another layer's: `conv1/norm` beside `conv1` is "conv1 norm"."""
    contracting = Counter(
        items[i].name.rpartition("/")[0] for layer in layers for i in layer.members if items[i].op.contracts
    )
    full = []
    for layer in layers:
        first = items[layer.members[0]]
        scope = first.name.rpartition("/")[0]
        own = layer.scope or (scope if scope and first.op.contracts and contracting[scope] == 1 else "")
        named = items[layer.members[-1]] if layer.compares else first
        full.append(tuple((own or named.name).split("/")))
    taken = set(full)
    paths: list[Path] = []
    for path in full:
        outer = next((path[:d] for d in range(1, len(path)) if path[:d] in taken), path)
        path = (*outer[:-1], " ".join(path[len(outer) - 1 :]))
        while path in paths:
            path = (*path[:-1], path[-1] + "'")
        paths.append(path)
    return paths


class _Placing:
    """Finds the layer of everything else. path: the path of each node; empty as long as it has none."""

    def __init__(self, items: Sequence[Item], kinds: Sequence[str], path: list[Path]) -> None:
        self.items, self.kinds, self.path = items, kinds, path
        self.consumers = consumers_of(items)
        self.of = {name: i for i, item in enumerate(items) for name in item.names}

    def sources(self) -> None:
        """Variables, constants and what is computed from them stand in the layer that reads them, if it is one."""
        for index in reversed(range(len(self.items))):
            if self.path[index] or self.kinds[index] in ("input", "gradient", "update"):
                continue
            readers = [self.path[c] for c in self.consumers[index] if self.kinds[c] == "forward" and self.path[c]]
            if len(set(readers)) == 1 or (readers and self.kinds[index] == "constant"):
                self.path[index] = readers[0]
            elif readers:
                self.path[index] = tuple(self.items[index].name.split("/")[:-1])

    def gradients(self) -> None:
        """A gradient stands with the layer of the node that it differentiates; a sum where it is read."""
        for index in reversed(range(len(self.items))):
            if self.kinds[index] != "gradient":
                continue
            named = self.of.get(differentiated(self.items[index].name))
            readers = [self.path[c] for c in self.consumers[index] if self.kinds[c] == "gradient" and self.path[c]]
            if named is not None and self.path[named]:
                self.path[index] = self.path[named]
            elif readers:
                self.path[index] = readers[0]

    def updates(self) -> None:
        """Updates stand in one scope, each under its variable's layer; slots stand with their variables."""
        for index, item in enumerate(self.items):
            if self.kinds[index] == "state" and not self.path[index]:
                outer = (self.of.get(scope, _NONE) for scope in reversed(_scopes(item.name)))
                self.path[index] = next((self.path[o] for o in outer if o != _NONE), ())
        for index in reversed(range(len(self.items))):
            item, kind = self.items[index], self.kinds[index]
            if kind == "update":
                written = [self.path[p] for i, (p, _) in enumerate(item.inputs) if i in item.op.writes]
                self.path[index] = (UPDATES, *written[0]) if written and item.updates else self._read_by(index)
            elif not self.path[index] and kind in ("state", "constant") and self.consumers[index]:
                self.path[index] = self._read_by(index)

    def _read_by(self, index: int) -> Path:
        readers = {self.path[c] for c in self.consumers[index]}
        return readers.pop() if len(readers) == 1 else (UPDATES,)
