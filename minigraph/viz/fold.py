"""Folding name scopes into single boxes, so that a large graph fits on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minigraph.viz.picture import ADDED, GRADIENTS, KEPT, REMOVED, Arrow, Box, Picture

Scope = tuple[str, ...]
Level = tuple[int, float]
READABLE = 60  # boxes on a page
_COMPUTING = ("forward", "gradient", "update")
_NUMBER = re.compile(r"\d+[a-z]?")  # `conv1_2`, `Mixed_3b`
_VARIABLES, _UPDATES, _OTHERS, _CHANGED = range(4)  # the order in which scopes are folded


@dataclass(slots=True)
class Tree:
    """A scope with the boxes directly in it and its inner scopes."""

    scope: Scope
    boxes: list[Box] = field(default_factory=list)
    inner: dict[str, Tree] = field(default_factory=dict)

    def all_boxes(self) -> Iterable[Box]:
        stack = [self]
        while stack:
            tree = stack.pop()
            yield from tree.boxes
            stack.extend(tree.inner.values())

    def walk(self) -> Iterable[Tree]:
        """This scope and all inner ones."""
        stack = [self]
        while stack:
            tree = stack.pop()
            yield tree
            stack.extend(tree.inner.values())


def scope_tree(picture: Picture) -> Tree:
    """The scopes of a picture."""
    root = Tree(())
    for box in picture.boxes:
        tree = root
        for depth, part in enumerate(box.scope):
            if part not in tree.inner:
                tree.inner[part] = Tree(box.scope[: depth + 1])
            tree = tree.inner[part]
        tree.boxes.append(box)
    return root


def choose_folds(picture: Picture, limit: int = READABLE, keep: Scope = ()) -> frozenset[Scope]:
    """The scopes to fold so that about `limit` boxes remain (0: fold nothing), except those around the scope `keep`.

    Scopes whose names differ only in numbers are folded together, and each with its gradients, so that equal layers
    look equal. A variable with its reads and slots is always folded. Then the updates are folded, then the deepest
    scopes: at each depth those that are just enough, or else the largest. Scopes that contain changes come last.
    """
    if limit <= 0:
        return frozenset()
    left = _Left(picture)
    levels: dict[Level, list[list[Scope]]] = {}
    for group in _groups({s: b for s, b in left.members.items() if s != keep[: len(s)]}).values():
        levels.setdefault(_level(group, left.members), []).append(group)
    for level in sorted(levels):
        groups = levels[level]
        while groups and (level[0] == _VARIABLES or left.visible > limit):
            needed = left.visible - limit
            saved = {i: left.saved(g) for i, g in enumerate(groups)}
            enough = [i for i in saved if saved[i] >= needed]
            chosen = min(enough, key=saved.__getitem__) if enough else max(saved, key=saved.__getitem__)
            left.fold(groups.pop(chosen))
    return left.outermost()


class _Left:
    """The number of boxes that each scope shows as more scopes are folded."""

    def __init__(self, picture: Picture) -> None:
        trees = [t for t in scope_tree(picture).walk() if t.scope]
        self.members = {t.scope: list(t.all_boxes()) for t in trees}
        self.visible = len(picture.boxes)
        self._shown = {scope: len(boxes) for scope, boxes in self.members.items()}
        self._folded: set[Scope] = set()

    def saved(self, group: Iterable[Scope]) -> int:
        return sum(self._shown[scope] - 1 for scope in group)

    def fold(self, group: Iterable[Scope]) -> None:
        for scope in group:
            saved = self._shown[scope] - 1
            if saved < 1:
                continue
            self._folded.add(scope)
            self.visible -= saved
            for depth in range(1, len(scope) + 1):
                self._shown[scope[:depth]] -= saved

    def outermost(self) -> frozenset[Scope]:
        folded = self._folded
        return frozenset(s for s in folded if not any(s[:d] in folded for d in range(1, len(s))))


def _groups(members: Mapping[Scope, list[Box]]) -> dict[tuple[object, ...], list[Scope]]:
    """The scopes that are folded together."""
    groups: dict[tuple[object, ...], list[Scope]] = {}
    for scope, boxes in members.items():
        alike = tuple(_NUMBER.sub("#", part) for part in _forward(scope))
        groups.setdefault((_phase(scope, boxes), alike), []).append(scope)
    return groups


def _forward(scope: Scope) -> Scope:
    """The scope whose gradients `scope` holds; `scope` itself if it holds none."""
    at = next((i for i, part in enumerate(scope) if GRADIENTS.fullmatch(part)), -1)
    return scope[at + 1 :]


def _level(group: list[Scope], members: Mapping[Scope, list[Box]]) -> Level:
    """The order in which groups are folded: a scope of all gradients late, a scope of most of the graph last."""
    forward = {_forward(scope) for scope in group}
    total = sum(len(boxes) for scope, boxes in members.items() if len(scope) == 1)
    most = len(forward) == 1 and sum(len(members[scope]) for scope in group) * 2 > total
    depth = len(forward.pop())
    return _phase(group[0], members[group[0]]), -0.5 if depth == 0 else 0 if most and depth == 1 else -depth


def _phase(scope: Scope, boxes: list[Box]) -> int:
    if any(b.status != KEPT for b in boxes):
        return _CHANGED
    if _is_variable(scope, boxes):
        return _VARIABLES
    kinds = {b.kind for b in boxes}
    return _UPDATES if "update" in kinds and not kinds & {"forward", "gradient"} else _OTHERS


def _is_variable(scope: Scope, boxes: list[Box]) -> bool:
    """Whether the scope belongs to a variable and contains no change."""
    kinds = [b.kind for b in boxes if b.path == scope]
    return ("parameter" in kinds or "state" in kinds) and all(b.status == KEPT for b in boxes)


def fold(picture: Picture, folded: Collection[Scope]) -> Picture:
    """The picture with each of the scopes `folded` as one box, and arrows between the same two boxes merged."""
    where: dict[str, str] = {}
    groups: dict[Scope, list[Box]] = {}
    chosen = set(folded)
    for box in picture.boxes:
        outer = next((box.scope[:d] for d in range(1, len(box.scope) + 1) if box.scope[:d] in chosen), None)
        where[box.id] = box.id if outer is None else "/".join((*outer, ""))
        if outer is not None:
            groups.setdefault(outer, []).append(box)
    boxes: list[Box] = []
    for box in picture.boxes:
        outer = tuple(where[box.id].split("/")[:-1])
        if outer not in groups or where[box.id] == box.id:
            boxes.append(box)
        elif groups[outer][0] is box:
            boxes.append(_folded(outer, where[box.id], groups[outer]))
    return Picture(picture.title, tuple(boxes), _merge(picture.arrows, where))


def _folded(scope: Scope, id: str, boxes: list[Box]) -> Box:
    head = next((b for b in boxes if b.path == scope and b.status != REMOVED), None)
    live = [b for b in boxes if b.status != REMOVED]
    statuses = {b.status for b in boxes}
    known = _sum(live, lambda b: b.flops)
    return Box(
        id,
        "/".join(scope),
        "" if head is None else head.op,
        scope[:-1],
        _main_kind(boxes) if head is None else head.kind,
        () if head is None else head.types,
        sum(b.parameters for b in live),
        known,
        _sum(live, lambda b: b.bytes),
        any(b.partial for b in live),
        "" if head is None else head.source,
        "",
        sum(b.count for b in boxes),
        statuses.pop() if len(statuses) == 1 else KEPT,
        (sum(b.status == ADDED for b in boxes), sum(b.status == REMOVED for b in boxes)),
        _sum(live, lambda b: b.seconds),
    )


def _sum(boxes: Iterable[Box], cost: Callable[[Box], Any]) -> Any:
    known = [c for b in boxes if (c := cost(b)) is not None]
    return sum(known) if known else None


def _main_kind(boxes: list[Box]) -> str:
    count = Counter(b.kind for b in boxes if b.kind in _COMPUTING) or Counter(b.kind for b in boxes)
    return count.most_common(1)[0][0]


def _merge(arrows: Iterable[Arrow], where: dict[str, str]) -> tuple[Arrow, ...]:
    groups: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in arrows:
        ends = where[arrow.source], where[arrow.target]
        if ends[0] != ends[1]:
            groups.setdefault(ends, []).append(arrow)
    merged = []
    for (source, target), group in groups.items():
        tensors = frozenset(t for a in group for t in a.tensors)
        kinds = {a.kind for a in group}
        kind = next(k for k in ("data", "write", "control", "shared") if k in kinds)
        types = {a.type for a in group if a.tensors}
        statuses = {a.status for a in group}
        status = statuses.pop() if len(statuses) == 1 else KEPT
        only = types.pop() if len(types) == 1 and len(tensors) == 1 else ""
        merged.append(Arrow(source, target, only, kind, tensors, status))
    return tuple(merged)
