"""`import minigraph` loads NumPy and nothing else that has to be installed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "networkx",
    "matplotlib",
    "rich",
    "click",
    "PIL",
    "safetensors",
    "scipy",
    "torch",
    "cupy",
    "llvmlite",
    "sympy",
    "tensorboard",
    "importlib.metadata",
    "urllib.request",
    "minigraph.backends",
    "minigraph.models",
    "minigraph.tools",
)


def test_import_is_light() -> None:
    program = "import numpy, sys; before = set(sys.modules); import minigraph\n"
    program += f"print(*[name for name in {HEAVY!r} if name in sys.modules and name not in before])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = done.stdout.split()
    assert not loaded, f"import minigraph also imports {', '.join(loaded)}"


def test_the_session_needs_no_more() -> None:
    program = "import minigraph as tf, sys; s = tf.Session(); s.run(tf.constant(1.0) + 1.0)\n"
    program += "print(*[n for n in ('networkx', 'rich', 'click', 'PIL', 'safetensors', 'scipy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not done.stdout.split()
