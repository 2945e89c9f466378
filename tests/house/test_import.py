"""`import minigraph` imports what every program needs; the rest comes when it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import minigraph as tf
from minigraph.core.op import REGISTRY

LATER = (
    "backend", "backends", "compile", "control", "data", "formats", "image", "inspect", "ir", "keras", "layers",
    "losses", "metrics", "models", "passes", "rewrite", "saved_model", "summary", "tf1", "tools", "train", "viz",
)  # fmt: skip
PACKAGES = (
    "networkx", "matplotlib", "rich", "click", "PIL", "safetensors", "scipy", "torch", "cupy", "llvmlite", "sympy",
    "tensorboard",
)  # fmt: skip
SLOW = ("importlib.metadata", "urllib.request")  # of the standard library


def loaded_beside_numpy(program: str) -> set[str]:
    program = f"import sys, numpy; before = set(sys.modules)\n{program}\nprint(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_an_import_loads_no_compiler_no_files_and_no_packages() -> None:
    loaded = loaded_beside_numpy("import minigraph")
    assert not loaded & {*PACKAGES, *SLOW, *(f"minigraph.{name}" for name in LATER)}


def test_a_session_needs_no_packages() -> None:
    loaded = loaded_beside_numpy("import minigraph as tf; tf.Session().run(tf.constant(1.0) + 1.0)")
    assert not loaded & {*PACKAGES} - {"llvmlite"}


# Each in a process of its own, in which nothing else has imported what it needs.
ALONE = {
    "a graph as TensorFlow's message": """
tf.square(tf.constant(3.0, name="x"), name="y")
assert [node.name for node in tf.get_default_graph().as_graph_def().node] == ["x", "y"]
""",
    "a graph file with ops that nothing has used": """
tf.train.import_meta_graph("graph.meta")
assert "BroadcastableWeights" in {node.type for node in tf.get_default_graph().nodes}
""",
    "a program as text": """
from minigraph.ir.parser import parse_program
text = ["%v = Cell() {name='v', type=float32[3]}", "%r = Feed() {slot=0, type=float32[]}"]
text += ["%g = Feed() {slot=1, type=float32[3]}", "%y = ApplyGradientDescent(%v, %r, %g)", "return %g"]
assert len(parse_program("\\n".join(text)).instrs) == 4
""",
    "a session": "assert tf.Session(backend='numpy').run(tf.constant(2.0)) == 2.0",
    "a display in a notebook": "assert 'text/plain' in tf.constant(1.0)._repr_mimebundle_()",
    "all names": "from minigraph import *; assert Session and layers.dense and train.Saver",
}


@pytest.fixture(scope="module")
def graph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file graph.meta."""
    folder: Path = tmp_path_factory.mktemp("graph")
    with tf.Graph().as_default():
        tf.losses.mean_squared_error(tf.zeros([1]), tf.ones([1]), weights=tf.placeholder(tf.float32, None))
        tf.train.export_meta_graph(str(folder / "graph.meta"))
    return folder


@pytest.mark.parametrize("what", ALONE)
def test_what_is_imported_late_works_alone(what: str, graph_folder: Path) -> None:
    program = f"import minigraph as tf\n{ALONE[what]}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=graph_folder)
    assert done.returncode == 0, done.stderr


def test_every_op_is_found_by_its_name() -> None:
    program = """
import sys
from minigraph.ops.registry import find_op
missing = [name for name in sys.argv[1:] if find_op(name) is None]
assert not missing, missing
"""
    names = [name for name, kind in REGISTRY.items() if kind.__module__.startswith("minigraph.ops.")]
    subprocess.run([sys.executable, "-c", program, *names], check=True)
