"""`tf.test`, and other names that inspect the machine."""

from __future__ import annotations

import tempfile
import unittest
from types import SimpleNamespace
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.ops.random.distributions import get_seed as _get_seed


class TestCase(unittest.TestCase):
    """A test case with its own default graph."""

    def setUp(self) -> None:
        self._scope = tf.Graph().as_default()
        self._scope.__enter__()
        self.addCleanup(self._scope.__exit__, None, None, None)

    def session(self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False) -> Any:
        """A session for a `with` block. use_gpu has no effect: Session(backend=...) chooses."""
        refuse("tf.test.TestCase.session", force_gpu=force_gpu)
        return tf.Session(graph=graph, config=config)

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None) -> None:
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:
        np.testing.assert_array_equal(a, b, err_msg=msg or "")


def main(argv: Any = None) -> None:
    """Run the program's tests."""
    unittest.main(argv=argv)


def get_temp_dir() -> str:
    return tempfile.mkdtemp()


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """False in any case: Session(backend=...) selects the backend, so programs need not ask."""
    return False


def gpu_device_name() -> str:
    return ""


def is_built_with_cuda() -> bool:
    return False


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """(graph seed, op seed) for an op of the default graph."""
    return _get_seed(tf.get_default_graph(), op_seed)


DEVICES = SimpleNamespace(
    list_local_devices=lambda: [SimpleNamespace(name="/device:CPU:0", device_type="CPU", memory_limit=0)]
)
