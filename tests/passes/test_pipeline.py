"""The table of passes: its order, its levels, the docs made of it, and how passes are chosen."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
from pathlib import Path

import pytest

import minigraph as tf
from minigraph.passes import ALL, LEVELS, PIPELINE, PIPELINES, choose
from minigraph.passes.fuse_blocks import FuseBlocks
from minigraph.passes.simplify import simplify
from minigraph.rewrite.pipeline import Pass, Replayable

NAMES = [entry.run.name for entry in PIPELINE]
DOCS = Path(__file__).parents[2] / "docs" / "passes.md"
RELATIONS = [
    *((other, e.run.name, reason) for e in PIPELINE for other, reason in e.before.items()),
    *((e.run.name, other, reason) for e in PIPELINE for other, reason in e.after.items()),
]


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("first", "second", "reason"), RELATIONS)
def test_the_order_keeps_every_relation(first: str, second: str, reason: str) -> None:
    assert NAMES.index(first) < NAMES.index(second)
    assert reason


def test_every_relation_is_stated_once() -> None:
    pairs = [(first, second) for first, second, _ in RELATIONS]
    assert len(set(pairs)) == len(pairs)
    assert {name for pair in pairs for name in pair} == set(NAMES)


def test_levels_contain_each_other_in_order() -> None:
    assert {entry.level for entry in PIPELINE} == set(LEVELS) - {"O0"}
    assert PIPELINES["O0"] == ()
    assert PIPELINES["O3"] == ALL
    for lower, higher in itertools.pairwise(LEVELS):
        kept = tuple(p for p in PIPELINES[higher] if p in PIPELINES[lower])
        assert kept == PIPELINES[lower]
        assert len(PIPELINES[lower]) < len(PIPELINES[higher])


def test_replayable_passes_come_first() -> None:
    """Passes from the first that is not replayable are run again for every size."""
    replayable = [isinstance(p, Replayable) for p in ALL]
    assert replayable == sorted(replayable, reverse=True)
    assert [p.name for p in ALL if not isinstance(p, Replayable)] == [
        "fuse_concat",
        "inline_operands",
        "fuse_blocks",
        "bucket_gradients",
        "multi_tensor",
        "join_small",
    ]


@pytest.mark.parametrize("each", ALL, ids=lambda p: p.name)
def test_a_pass_is_a_frozen_dataclass_in_a_file_of_its_name_with_four_parts(each: Pass) -> None:
    kind = type(each)
    assert dataclasses.is_dataclass(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        each.name = "other"  # type: ignore[misc]
    assert kind.__module__ == f"minigraph.passes.{each.name}"
    found = re.findall(r"^(before|after|conditions|formula) +\S", inspect.getdoc(kind) or "", re.M)
    assert found == ["before", "after", "conditions", "formula"]


def test_the_docs_list_the_passes_in_order_with_their_levels() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (O\d) \|", DOCS.read_text(encoding="utf-8"), re.M)
    assert rows == [(entry.run.name, entry.level) for entry in PIPELINE]


def test_pipelines_are_chosen_by_name() -> None:
    assert choose("O0", None, ()) == ()
    assert simplify not in choose("O3", None, ["simplify"])
    assert choose("O3", ["simplify"], ()) == (simplify,)
    with pytest.raises(ValueError, match=r"unknown pass 'nonsense'; there are bucket_gradients, .*simplify"):
        choose("O3", None, ["nonsense"])
    with pytest.raises(ValueError, match="optimize must be one of O0, O1, O2, O3"):
        tf.Session(optimize="O9")


def test_a_backend_has_settings_of_its_own() -> None:
    """They apply to a pipeline's passes and to passes chosen by name, not to a pass that is handed over."""
    settings, own, given = {"fuse_blocks": {"min_edge": 1}}, FuseBlocks(min_edge=1), FuseBlocks(min_edge=2)
    assert choose("O3", None, (), settings).count(own) == 1
    assert choose("O0", ["fuse_blocks", given], (), settings) == (own, given)
    assert own not in choose("O3", None, ())
