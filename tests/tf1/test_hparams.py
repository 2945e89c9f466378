"""Hyperparameters (`hparams`), clusters (`cluster`) and samplers (`candidates`): values that do not fit.

The types and errors of hyperparameters are those that TensorFlow 1.15 was seen to give.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf

FIRST = {"a": 1, "b": [1, 2], "c": 0.5, "s": "x", "t": True}


def made() -> Any:
    return tf.contrib.training.HParams(**FIRST)


@pytest.mark.parametrize("text", ["a=5,b=[x]", "a=5,b=3", "a=5,c=[1]", "a=5,z=1", "a=5,t=2", "a=5,a=6", "a=5,b[0]=3"])
def test_a_parse_that_fails_changes_nothing(text: str) -> None:
    values = made()
    with pytest.raises(ValueError, match="yperparameter"):
        values.parse(text)
    assert values.values() == FIRST


@pytest.mark.parametrize(
    ("name", "value"), [("a", 2.0), ("a", True), ("s", 2), ("t", 1), ("s", None), ("b", 3), ("a", [3])]
)
def test_values_keep_their_types(name: str, value: Any) -> None:
    values = made()
    with pytest.raises(ValueError, match=f"hyperparameter {name}"):
        values.override_from_dict({"c": 2.0, name: value})
    assert values.values() == FIRST


def test_an_empty_list_keeps_its_type_and_numbers_are_python_s() -> None:
    values = made().parse("b=[]")
    assert values.b == []
    assert values.parse("b=[4]").b == [4]
    values.override_from_dict({"a": np.int64(3), "c": np.float32(2)})
    assert [type(values.a), type(values.c)] == [int, float]
    with pytest.raises(AttributeError, match="'values' is a method"):
        values.values = 3
    values.add_hparam("z", object())
    with pytest.raises(TypeError, match="the hyperparameter z="):
        values.to_json()


@pytest.mark.parametrize("tasks", ["localhost:1", 3])
def test_the_tasks_of_a_job_are_a_list_or_a_dictionary(tasks: Any) -> None:
    with pytest.raises(TypeError, match="the tasks of job 'ps'"):
        tf.train.ClusterSpec({"ps": tasks})


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({"vocab_file": "nothing.csv"}, tf.errors.NotFoundError, "nothing.csv"),
        ({"vocab_file": "words.csv"}, tf.errors.InvalidArgumentError, "line 2 of 'words.csv'"),
        ({"unigrams": [1.0, 2.0], "num_shards": 0}, tf.errors.InvalidArgumentError, "num_shards must be at least 1"),
        ({"unigrams": [1.0, 2.0], "shard": 1}, tf.errors.InvalidArgumentError, "shard must be less"),
        ({"unigrams": [1.0, 0.0], "distortion": -1.0}, tf.errors.InvalidArgumentError, "a weight must be"),
        ({"unigrams": [1.0, -2.0], "distortion": 2.0}, tf.errors.InvalidArgumentError, "a weight must be"),
        ({"unigrams": [1.0, -2.0], "distortion": 0.5}, tf.errors.InvalidArgumentError, "a weight must be"),
        ({"unigrams": [1.0, 2.0], "range_max": 2.5}, TypeError, "range_max must be an integer"),
        ({"unigrams": [1.0, 2.0], "num_sampled": None}, TypeError, "num_sampled must be an integer"),
    ],
)
def test_arguments_of_a_sampler(
    given: dict[str, Any], kind: type[Exception], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.csv").write_text("the,3\nof,many\n")
    arguments = {"num_true": 1, "num_sampled": 1, "unique": True, "range_max": 2, **given}
    with tf.Graph().as_default():
        true = tf.zeros([1, 1], tf.int64)
        if arguments["num_sampled"] is None:
            arguments["num_sampled"] = tf.constant(1)
        with pytest.raises(kind, match=text):
            tf.nn.fixed_unigram_candidate_sampler(true, **arguments)
