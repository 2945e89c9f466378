"""A plugin of pytest: whatever the tests run on the backend `cupy`, which is the default, runs on the stand-in.

pytest -p gpu.strict.plugin tests/run/test_session.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from gpu.strict.environment import for_children
from gpu.strict.installed import install
from gpu.strict.machine import Machine

os.environ.update(for_children())

# A kernel cannot raise an error; the documentation names these cases.
DIFFERENCES = {
    "test_a_failed_run_does_not_count_as_initialisation": "gather with an index out of range",
    "test_a_kernel_error_names_the_node_and_its_line": "gather with an index out of range",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if reason := DIFFERENCES.get(getattr(item, "originalname", item.name)):
            item.add_marker(pytest.mark.skip(reason=f"differs on cupy: {reason}"))


@pytest.fixture(autouse=True)
def strict_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """The machine of a test, which fails if it breaks a rule."""
    machine = Machine(devices=2)
    install(monkeypatch, machine)
    yield machine
    assert machine.violations == []
