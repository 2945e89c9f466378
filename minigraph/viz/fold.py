"""Folding scopes into single boxes, so that a large graph fits on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from minigraph.viz.layers import UPDATES
from minigraph.viz.picture import ADDED, KEPT, REMOVED, Arrow, Box, Picture

Scope = tuple[str, ...]
READABLE = 90  # boxes on a page
_MANY = 3  # arrows of one kind at one box
_CROWD = 12  # arrows into updates
_NUMBER = re.compile(r"\d+[a-z]?")  # `conv1_2`, `Mixed_3b`


@dataclass(slots=True)
class Tree:
    """A scope with the boxes directly in it and its inner scopes."""

    scope: Scope
    boxes: list[Box] = field(default_factory=list)
    inner: dict[str, Tree] = field(default_factory=dict)

    def all_boxes(self) -> Iterable[Box]:
        for tree in self.walk():
            yield from tree.boxes

    def walk(self) -> Iterable[Tree]:
        """This scope and all inner ones."""
        stack = [self]
        while stack:
            tree = stack.pop()
            yield tree
            stack.extend(tree.inner.values())

    def shown(self) -> int:
        """The number of boxes of the open scope with all inner scopes folded."""
        return len(self.boxes) + sum(tree.folded() for tree in self.inner.values())

    def folded(self) -> int:
        """The number of boxes of the folded scope: one for each part."""
        return len({box.part for box in self.all_boxes()})

    def gain(self) -> int:
        """The number of boxes that opening the scope adds."""
        return self.shown() - self.folded()


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


def choose_open(picture: Picture, limit: int = READABLE, keep: Scope = ()) -> frozenset[Scope]:
    """The scopes to open so that at most about `limit` boxes are shown (0: all), and those around the scope `keep`.

    Scopes open from the outermost ones inwards, those whose names differ only in numbers together, so that equal parts
    look equal; where all do not fit, the first opens as an example. Variables and layers stay folded; updates and what
    has not changed open last.
    """
    trees = {tree.scope: tree for tree in scope_tree(picture).walk()}
    if limit <= 0:
        return frozenset(trees)
    opened = {(), *(keep[:d] for d in range(1, len(keep) + 1))}
    closed = {s: t for s, t in trees.items() if s not in opened and not _stays_folded(picture, t)}
    visible = sum(trees[scope].shown() for scope in opened if scope in trees)
    for together in (True, False):
        while True:
            groups = _alike(closed, opened)
            chosen = [(key, group if together else group[:1]) for key, group in groups.items()]
            fitting = [(k, group) for k, group in chosen if visible + sum(closed[s].gain() for s in group) <= limit]
            if not fitting:
                break
            key, group = min(fitting)
            opened |= set(group)
            visible += sum(closed[scope].gain() for scope in group)
            for scope in groups[key]:
                del closed[scope]
    return frozenset(opened)


def _alike(closed: Mapping[Scope, Tree], opened: Collection[Scope]) -> dict[tuple[object, ...], list[Scope]]:
    """The closed scopes directly in open ones, those whose names differ only in numbers together, by urgency."""
    groups: dict[tuple[object, ...], list[Scope]] = {}
    for scope in sorted(closed):
        if scope[:-1] in opened:
            alike = tuple(_NUMBER.sub("#", part) for part in scope)
            groups.setdefault((*_urgency(closed[scope]), len(scope), alike), []).append(scope)
    return groups


def _stays_folded(picture: Picture, tree: Tree) -> bool:
    layers = picture.layers.words if picture.layered else {}
    if tree.scope == (UPDATES,) or any(tree.scope[:d] in layers for d in range(1, len(tree.scope) + 1)):
        return True
    variable = any(b.path == tree.scope and b.kind in ("parameter", "state") for b in tree.boxes)
    return variable and all(b.status == KEPT for b in tree.boxes)


def _urgency(tree: Tree) -> tuple[bool, bool]:
    boxes = list(tree.all_boxes())
    return all(b.status == KEPT for b in boxes), all(b.part == "update" for b in boxes)


def fold(picture: Picture, opened: Collection[Scope]) -> Picture:
    """The picture with a box for each part of each scope that is not in `opened`, and merged arrows between them."""
    where: dict[str, str] = {}
    groups: dict[str, list[Box]] = {}
    scopes: dict[str, Scope] = {}
    for box in picture.boxes:
        outer = next((box.scope[:d] for d in range(1, len(box.scope) + 1) if box.scope[:d] not in opened), None)
        where[box.id] = box.id
        if outer is not None:
            key = where[box.id] = "/".join((*outer, "")) + (box.part if box.part != "forward" else "")
            scopes[key] = outer
            groups.setdefault(key, []).append(box)
    boxes: list[Box] = []
    for box in picture.boxes:
        key = where[box.id]
        if key not in groups:
            boxes.append(box)
        elif groups[key][0] is box:
            boxes.append(_folded(picture, scopes[key], key, groups[key]))
    return replace(picture, boxes=tuple(boxes), arrows=_merge(picture.arrows, where))


def clear_arrows(picture: Picture) -> list[Arrow]:
    """The arrows that do not make a tangle.

    Without writes, reads by updates, and orders, where a box has many of them; without writes to folded variables and
    shared constants.
    """
    part = {box.id: box.part for box in picture.boxes}
    folded = {box.id for box in picture.boxes if box.count > 1}
    ends = [Counter((a.kind, a.source) for a in picture.arrows), Counter((a.kind, a.target) for a in picture.arrows)]

    def updates(arrow: Arrow) -> bool:
        return arrow.kind == "data" and part[arrow.target] == "update" != part[arrow.source]

    crowded = sum(map(updates, picture.arrows)) > _CROWD

    def tangles(arrow: Arrow) -> bool:
        before, after = ends[0][arrow.kind, arrow.source], ends[1][arrow.kind, arrow.target]
        if arrow.kind == "control":
            return min(before, after) > _MANY
        if updates(arrow):
            return crowded or after > _MANY
        writes = arrow.kind == "write" and (after > _MANY or not folded.isdisjoint((arrow.source, arrow.target)))
        return arrow.kind == "shared" or writes

    return [arrow for arrow in picture.arrows if not tangles(arrow)]


def _folded(picture: Picture, scope: Scope, id: str, boxes: list[Box]) -> Box:
    head = next((b for b in boxes if b.path == scope and b.status != REMOVED), None)
    live = [b for b in boxes if b.status != REMOVED]
    statuses = {b.status for b in boxes}
    known = _sum(live, lambda b: b.flops)
    computed = [b for b in live if b.kind == "forward" == b.part and b.types and b.op != "ReadVariable"]
    types = head.types if head is not None else computed[-1].types if computed else ()
    return Box(
        id,
        "/".join(scope),
        "" if head is None else head.op,
        scope[:-1],
        _main_kind(boxes) if head is None else head.kind,
        types,
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
        part=boxes[0].part,
        words=_words(picture, scope, boxes) if computed or boxes[0].part != "forward" else "",
    )


def _words(picture: Picture, scope: Scope, boxes: list[Box]) -> str:
    """What a folded layer computes, or how many layers a folded scope has."""
    if not picture.layered:
        return ""
    if boxes[0].part == "forward" and scope in picture.layers.words:
        return picture.layers.words[scope]
    inner = {path for path in picture.layers.words if path[: len(scope)] == scope and len(path) > len(scope)}
    return f"{len(inner)} layers" if inner and scope[:1] != (UPDATES,) else ""


def _sum(boxes: Iterable[Box], cost: Callable[[Box], Any]) -> Any:
    known = [c for b in boxes if (c := cost(b)) is not None]
    return sum(known) if known else None


def _main_kind(boxes: list[Box]) -> str:
    if boxes[0].part != "forward":
        return boxes[0].part
    kinds = [b.kind for b in boxes]
    computes = any(b.kind == "forward" and b.op != "ReadVariable" for b in boxes)
    return "forward" if computes else "parameter" if "parameter" in kinds else kinds[0]


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
