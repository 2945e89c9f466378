"""Errors as the user sees them: in plain Python and in a notebook, with the user's own lines only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

import minigraph as tf
from minigraph.core import provenance
from minigraph.core.tracebacks import is_on_purpose, trim

PACKAGE = str(ROOT / "minigraph")
FUNCTION = "import minigraph as tf\ndef product(x):\n    return tf.matmul(x, x)\n"


def shown(folder: Path, source: str, **variables: str) -> str:
    """What plain Python shows of a program that fails."""
    path = folder / "program.py"
    path.write_text(source)
    done = subprocess.run(
        [sys.executable, path],
        capture_output=True,
        text=True,
        env={"PATH": "", "MINIGRAPH_BACKEND": "numpy"} | variables,
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (f"{FUNCTION}product(tf.zeros([2, 3]))", 2),
        ("import minigraph as tf\ntf.Session().run(1)", 1),  # Python's own kind of exception, raised on purpose
        ("import minigraph as tf\nif tf.constant(1.0):\n    pass", 1),
        ("import minigraph as tf\nwith tf.name_scope('a'):\n    tf.nn.conv2", 1),
        ("from minigraph.weights import load_weights\nload_weights('no.npz')", 1),
    ],
)
def test_python_shows_the_users_lines(source: str, lines: int, tmp_path: Path) -> None:
    text = shown(tmp_path, source)
    assert text.count('  File "') == text.count('program.py", line') == lines, text


def test_all_lines_are_shown_if_asked_for(tmp_path: Path) -> None:
    assert "ops/math/matmul.py" in shown(tmp_path, f"{FUNCTION}product(tf.zeros([2, 3]))", MINIGRAPH_INTERNALS="1")


def test_an_error_of_the_users_own_function_is_shown_as_the_cause(tmp_path: Path) -> None:
    source = (
        "import minigraph as tf\n"
        "def strange(x):\n"
        "    raise KeyError('my own')\n"
        "y = tf.py_func(strange, [tf.constant(1.0)], tf.float32)\n"
        "tf.Session().run(y)\n"
    )
    text = shown(tmp_path, source)
    assert text.count('  File "') == 2
    assert "line 3, in strange" in text
    assert "direct cause" in text


def test_a_defect_is_shown_in_full(tmp_path: Path) -> None:
    source = (
        "import minigraph as tf\n"
        "from minigraph.ops.math.exponential import Exp\n"
        "Exp.infer = lambda *_: 1 / 0\n"
        "tf.exp(1.0)\n"
    )
    assert "ops/pointwise.py" in shown(tmp_path, source)


def test_another_hook_gets_the_trimmed_error(tmp_path: Path) -> None:
    """A hook that was there before, as other libraries install."""
    source = (
        "import sys\n"
        "sys.excepthook = lambda kind, error, trace: print('hook', trace.tb_next, error.__cause__, file=sys.stderr)\n"
        "import minigraph as tf\n"
        "tf.Session().run(1)\n"
    )
    assert shown(tmp_path, source) == "hook None None\n"


def test_what_is_raised_on_purpose() -> None:
    def raised(call: object) -> BaseException:
        with pytest.raises(Exception) as caught:
            call()  # type: ignore[operator]
        return caught.value

    assert is_on_purpose(raised(lambda: tf.zeros([2]) + tf.zeros([3])))
    assert is_on_purpose(raised(lambda: tf.Session().run(1)))
    assert not is_on_purpose(raised(lambda: 1 / 0))
    assert not is_on_purpose(raised(lambda: tf.zeros()))  # type: ignore[call-arg]
    assert not is_on_purpose(ValueError("not raised"))
    assert is_on_purpose(raised(lambda: tf.keras.metrics.Precision(top_k=1)))
    with tf.Graph().as_default():
        assert is_on_purpose(raised(tf.reset_default_graph))  # an AssertionError, as TensorFlow's
    assert not is_on_purpose(tf.errors.InternalError(None, None, "a kernel failed"))


@pytest.mark.parametrize(
    "body",
    [
        "    assert 1 > 2",
        "    assert 1 > 2, 'what holds between the parts'",
        "    assert (\n        1 > 2\n    ), (\n        'what holds between the parts'\n    )",
        "    raise NotImplementedError",
        "    raise NotImplementedError(int.__name__)",
    ],
)
def test_checks_of_minigraphs_own_are_defects(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asserts and abstract methods of a module that counts as minigraph's own."""
    path = tmp_path / "own.py"
    path.write_text(f"def fail():\n{body}\n")
    monkeypatch.setitem(provenance._internal, str(path), True)
    module: dict[str, Any] = {}
    exec(compile(path.read_text(), path, "exec"), module)
    with pytest.raises((AssertionError, NotImplementedError)) as caught:
        module["fail"]()
    assert not is_on_purpose(caught.value)


def test_a_cycle_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__context__ = two, one
    assert trim(one) is one


NOTEBOOK = (
    "import minigraph as tf\ndef product(x):\n    return tf.matmul(x, x)",
    "product(tf.zeros([2, 3]))",
    "x = tf.placeholder(tf.float32, [2])",
    "y = tf.get_variable('w', [2]) * x; session = tf.Session(backend='numpy')",
    "x = tf.placeholder(tf.float32, [2])",
    "session.run(y, {x: [1.0, 2.0]})",
    "tf.get_variable('w', [2])",
    "tf.reset_default_graph(); z = tf.constant(1.0, name='z')",
    "session.run(z)",
    "1 / 0",
)


@pytest.fixture(scope="module")
def notebook() -> list[str]:
    """What a notebook shows below each cell."""
    pytest.importorskip("IPython")
    program = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(colors='nocolor')\n"
        "for cell in sys.argv[1:]:\n"
        "    shell.run_cell(cell, store_history=True)\n"
        "    print('#end')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *NOTEBOOK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("#end\n")


def test_a_notebook_shows_the_users_lines(notebook: list[str]) -> None:
    assert notebook[1].count("-> ") == 2
    assert "Cell In[1], line 3, in product" in notebook[1]
    assert "File " not in notebook[1]
    assert "ZeroDivisionError" in notebook[9]


def test_messages_name_the_cell(notebook: list[str]) -> None:
    assert "at Cell In[1], line 3, in product: return tf.matmul(x, x)" in notebook[1]


def test_a_cell_that_is_run_twice_is_explained(notebook: list[str]) -> None:
    assert "'Placeholder_1' is fed, which was made at Cell In[5], line 1" in notebook[5]
    assert "Originally defined at Cell In[4], line 1" in notebook[6]
    for text in notebook[5], notebook[6], notebook[8]:
        assert "tf.reset_default_graph()" in text
    assert "made in another one, at Cell In[8], line 1" in notebook[8]


def test_the_advice_on_cells_is_for_notebooks() -> None:
    with tf.Graph().as_default():
        tf.get_variable("w", [2])
        with pytest.raises(ValueError, match="already exists") as caught:
            tf.get_variable("w", [2])
    assert "reset_default_graph" not in str(caught.value)
