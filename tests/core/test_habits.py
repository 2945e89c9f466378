"""Advice for names of TensorFlow 2, PyTorch and NumPy."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

import minigraph as tf
from minigraph.core.habits import OF_DATASET, OF_MODULE, OF_OPTIMIZER, OF_TENSOR
from minigraph.data import Dataset


def advice(owner: Any, name: str) -> str:
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    assert f"has no attribute '{name}'" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", OF_MODULE)
def test_names_of_the_module(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tf, name, raising=False)  # minigraph.data, where it has been imported
    part, _, last = name.rpartition(".")
    assert OF_MODULE[name] in advice(getattr(tf, part) if part else tf, last)


@pytest.mark.parametrize("name", OF_TENSOR)
def test_names_of_tensors_and_variables(name: str) -> None:
    for owner in tf.constant(1.0), tf.Variable(1.0):
        assert OF_TENSOR[name] in advice(owner, name)


@pytest.mark.parametrize("name", OF_OPTIMIZER)
def test_names_of_optimizers(name: str) -> None:
    assert OF_OPTIMIZER[name] in advice(tf.train.AdamOptimizer(0.1), name)


@pytest.mark.parametrize("name", OF_DATASET)
def test_names_of_tensorflows_data_sets(name: str) -> None:
    assert OF_DATASET[name] in advice(Dataset, name)


def test_other_names_get_no_advice() -> None:
    parts = tf.nn, tf.losses, tf.metrics, tf.summary, tf.train
    for owner in tf, *parts, tf.constant(1.0), tf.train.AdamOptimizer(0.1), Dataset:
        assert re.fullmatch(".* has no attribute 'nothing'", advice(owner, "nothing"))
        assert not hasattr(owner, "nothing")


def test_what_the_advice_names_exists() -> None:
    """A name `tf.a.b` in a text is there; so is each function in old programs' module, which gives the advice, too."""
    from minigraph import tf1

    for text in {**OF_MODULE, **OF_TENSOR, **OF_OPTIMIZER, **OF_DATASET}.values():
        for path in re.findall(r"\btf((?:\.\w+)+)", text):
            found: Any = tf
            for part in path[1:].split("."):
                found = getattr(found, part)
    assert OF_MODULE["GradientTape"] in advice(tf1, "GradientTape")
    assert OF_MODULE["nn.Linear"] in advice(tf1.nn, "Linear")
    assert tf1.random.normal


def test_objects_are_copied_as_before() -> None:
    optimizer = tf.train.AdamOptimizer(0.1)
    assert copy.copy(optimizer).get_name() == "Adam"
    assert copy.copy(tf.Variable(1.0)).name
