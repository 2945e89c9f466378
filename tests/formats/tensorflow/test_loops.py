"""Loops in graphs that TensorFlow 1.15.5 froze; `goldens/record_loops.py` made the archive."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from support.paths import GOLDENS

import minigraph
import minigraph.tf1 as tf
from minigraph.formats.tensorflow.values import UnreadableError

ARCHIVE = GOLDENS / "tf_loops.zip"
NAMES = sorted(name[:-3] for name in zipfile.ZipFile(ARCHIVE).namelist() if name.endswith(".pb"))


def message(name: str) -> Any:
    found = tf.GraphDef()
    found.ParseFromString(zipfile.ZipFile(ARCHIVE).read(f"{name}.pb"))
    return found


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", NAMES)
def test_loops_of_tensorflow(name: str, backend: str) -> None:
    arrays = dict(np.load(io.BytesIO(zipfile.ZipFile(ARCHIVE).read(f"{name}.npz"))))
    wanted = arrays.pop("y")
    with minigraph.Graph().as_default(), minigraph.Session(backend=backend) as session:
        tf.import_graph_def(message(name), name="")
        found = session.run("y:0", arrays)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_a_gradient_flows_through_a_loop() -> None:
    """y = ((((x + 1)x + 1)x + 1)x + 1)x + 1."""
    with minigraph.Graph().as_default() as graph, minigraph.Session() as session:
        tf.import_graph_def(message("powers"), name="")
        x, y = (graph.get_tensor_by_name(n) for n in ("x:0", "y:0"))
        (slope,) = tf.gradients(y, x)
        found = session.run(slope, {x: 1.5})
    np.testing.assert_allclose(found, sum(k * 1.5 ** (k - 1) for k in range(1, 6)), rtol=1e-6)


def test_a_loop_of_a_condition_is_added_once_also_with_exits_that_nothing_reads() -> None:
    def loops(read: Any) -> list[str]:
        with minigraph.Graph().as_default() as graph:
            tf.import_graph_def(read, name="")
            return [node.type for node in graph.get_operations() if "While" in node.type]

    found = message("loop_in_test")
    before = loops(found)
    left = {node.input[0].partition(":")[0] for node in found.node if node.op == "Exit"}
    switches = [node for node in found.node if node.op == "Switch" and node.name not in left]
    assert len(switches) == 3  # the counters of the three loops
    for switch in switches:
        leave = found.node.add(name=f"{switch.name}/unread", op="Exit", input=[switch.name])
        leave.attr["T"].CopyFrom(switch.attr["T"])
    assert loops(found) == before


def _without(kind: str) -> Any:
    """A loop whose nodes of one kind compute something else."""
    found = message("powers")
    for node in found.node:
        if node.op == kind:
            node.op = "Identity"
            node.attr["T"].type = node.attr["T"].type or 10
            del node.input[1:]
    return found


@pytest.mark.parametrize("kind", ["LoopCond", "Switch", "NextIteration", "Enter", "Merge"])
def test_broken_loops_are_refused(kind: str) -> None:
    with minigraph.Graph().as_default() as graph:
        with pytest.raises((UnreadableError, minigraph.errors.OpError, ValueError)) as caught:
            tf.import_graph_def(_without(kind), name="")
        assert "node" in str(caught.value) or "loop" in str(caught.value)
        assert not graph.nodes
