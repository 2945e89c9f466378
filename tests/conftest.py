"""Fixtures and settings that every test has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.browser import CHROMIUM, DRIVER, Browser, started
from xdist import is_xdist_worker

import minigraph as tf
from minigraph.ops.registry import import_all

import_all()  # tests of every op find them in the registry

# Examples are slow where an example compiles, and slower still beside other tests, so neither counts as a failure.
settings.register_profile(
    "minigraph",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("minigraph")


@pytest.fixture(scope="session", autouse=True)
def shared_cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which all workers of this run, and their child processes, cache compiled code."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if is_xdist_worker(request) else base) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIGRAPH_CACHE", str(folder))
        patch.setenv("MINIGRAPH_COMPILE_PROCESSES", "1")  # the workers occupy the cores
        yield folder


@pytest.fixture(scope="session", autouse=True)
def numpy_by_default() -> Iterator[None]:
    """Tests run on the reference backend unless they say otherwise, or MINIGRAPH_BACKEND does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIGRAPH_BACKEND", os.environ.get("MINIGRAPH_BACKEND") or "numpy")
        yield


@pytest.fixture(scope="session", autouse=True)
def wide_output() -> Iterator[None]:
    """Tables are as wide as in a pipe; the workers are told that they have 80 columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium and its driver are not installed")
    with started(tmp_path_factory.mktemp("home")) as session:
        yield session


@pytest.fixture(autouse=True)
def no_tensorflow() -> Iterator[None]:
    """`minigraph run` names minigraph "tensorflow" and adds to NumPy for its whole process: it needs one of its own."""
    yield
    left = [name for name, module in sys.modules.items() if name == "tensorflow" and module is not None]
    for name in left:
        del sys.modules[name]
    assert not left, "a test has installed minigraph as tensorflow in the process of the tests"


@pytest.fixture(autouse=True)
def graph() -> tf.Graph:
    """A new default graph for each test."""
    tf.reset_default_graph()
    return tf.get_default_graph()
