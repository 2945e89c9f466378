"""Folding name scopes into single boxes, so that a large graph fits on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from minigraph.viz.picture import ADDED, KEPT, REMOVED, Arrow, Box, Picture

Scope = tuple[str, ...]
READABLE = 60  # boxes on a page
_COMPUTING = ("forward", "gradient", "update")


@dataclass(slots=True)
class Tree:
    """A scope with the boxes that stand directly in it and its inner scopes."""

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
        """This scope and all within."""
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


def choose_folds(picture: Picture, limit: int = READABLE) -> frozenset[Scope]:
    """The scopes to fold so that about `limit` boxes are left (0: none).

    A variable with its reads and slots is always folded. Then follow the updates, then the deepest and largest scopes,
    gradients before what they are the gradients of, and at last scopes with changes in them.
    """
    visible = len(picture.boxes)
    if limit <= 0:
        return frozenset()
    trees = [t for t in scope_tree(picture).walk() if t.scope]
    members = {t.scope: list(t.all_boxes()) for t in trees}
    left = {scope: len(boxes) for scope, boxes in members.items()}
    folded: set[Scope] = set()
    for tree in sorted(trees, key=lambda t: _order(t.scope, members[t.scope])):
        scope = tree.scope
        saved = left[scope] - 1
        if saved < 1:
            continue
        if visible <= limit and not _is_variable(scope, members[scope]):
            continue
        folded.add(scope)
        visible -= saved
        for depth in range(1, len(scope) + 1):
            left[scope[:depth]] -= saved
    return frozenset(s for s in folded if not any(s[:d] in folded for d in range(1, len(s))))


def _order(scope: Scope, boxes: list[Box]) -> tuple[int, int, int, Scope]:
    kinds = Counter(b.kind for b in boxes)
    updates = kinds["update"] > 0 and not kinds["forward"] and not kinds["gradient"]
    gradient = kinds["gradient"] > kinds["forward"]
    phase = 3 if any(b.status != KEPT for b in boxes) else 0 if _is_variable(scope, boxes) else 1 if updates else 2
    return phase, -(len(scope) + gradient), -len(boxes), scope


def _is_variable(scope: Scope, boxes: list[Box]) -> bool:
    """Whether a scope is a variable's own, with nothing changed."""
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
    )


def _sum(boxes: Iterable[Box], cost: Callable[[Box], int | None]) -> int | None:
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
