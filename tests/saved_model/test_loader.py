"""SavedModels: what is written is loaded, damage is told.

Tests `saved_model/`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minigraph as tf
import minigraph.tf1 as tf1
from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.formats.tensorflow.graph_def import write_message
from minigraph.saved_model.loader import read_saved_model


def test_a_saved_model(tmp_path: Path) -> None:
    constants = tf1.saved_model.signature_constants
    images = np.arange(6, dtype=np.float32).reshape(2, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.matmul(x, tf.get_variable("net/w", [3, 2], initializer=tf.random_normal_initializer(seed=1)))
        count = tf.Variable(0, name="count", trainable=False)
        init = tf.group(tf.assign_add(count, 5), name="start")
        session.run(tf.global_variables_initializer())
        builder = tf1.saved_model.builder.SavedModelBuilder(tmp_path / "m")
        info = tf1.saved_model.utils.build_tensor_info
        signature = tf1.saved_model.signature_def_utils.build_signature_def(
            {"in": info(x)}, {"out": info(y)},
            constants.PREDICT_METHOD_NAME,
        )  # fmt: skip
        with pytest.raises(AssertionError, match="not been saved yet"):
            builder.add_meta_graph(["train"])
        builder.add_meta_graph_and_variables(session, ["serve"], {"predict": signature}, main_op=init)
        builder.add_meta_graph(["train", "gpu"])
        with pytest.raises(AssertionError, match="already been saved"):
            builder.add_meta_graph_and_variables(session, ["more"])
        builder.save()
        wanted = session.run(y, {x: images})
    assert tf1.saved_model.loader.maybe_saved_model_directory(tmp_path / "m")
    with pytest.raises(AssertionError, match="already exists"):
        tf1.saved_model.builder.SavedModelBuilder(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        message = tf1.saved_model.loader.load(session, ["serve"], tmp_path / "m", import_scope="s")
        out = message.signature_def["predict"].outputs["out"]
        tensor = tf.saved_model.get_tensor_from_tensor_info(out, import_scope="s")
        np.testing.assert_array_equal(session.run(tensor, {"s/x:0": images}), wanted)
        assert session.run("s/count:0") == 5  # what runs at the start has run
    with tf.Session() as session:
        with pytest.raises(RuntimeError, match=r"tags 'other' could not be found.*\['serve'\]"):
            tf.saved_model.load(session, ["other"], tmp_path / "m")
        with pytest.raises(NotFoundError, match="does not exist"):
            tf.saved_model.load(session, ["serve"], tmp_path)


def test_a_saved_model_with_a_checkpoint_of_minigraph(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(3.0, name="w")
        session.run(w.initializer)
        builder = tf.saved_model.Builder(tmp_path / "m")
        builder.add_meta_graph_and_variables(session, ["serve"], saver=tf.train.Saver())
        builder.save()
    assert (tmp_path / "m" / "variables" / "variables.safetensors").is_file()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, ["serve"], tmp_path / "m")
        assert session.run("w:0") == 3.0


@pytest.mark.parametrize("name", ["start", "start:0"])
def test_what_a_saved_model_runs_at_the_start_may_be_named_as_a_tensor(tmp_path: Path, name: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        count = tf.Variable(0, name="count")
        tf.assign_add(count, 5, name="start")
        session.run(count.initializer)
        builder = tf.saved_model.Builder(tmp_path / "m")
        builder.add_meta_graph_and_variables(session, ["serve"])
        path = builder.save()
    message = read_saved_model(tmp_path / "m")
    message.meta_graphs[0].collection_def["legacy_init_op"].node_list.value.append(name)
    write_message(path, message, as_text=False)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, ["serve"], tmp_path / "m")
        assert session.run("count:0") == 5


def test_a_damaged_saved_model(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2], name="x")
        tf.saved_model.simple_save(session, tmp_path / "m", {"x": x}, {"y": tf.square(x)})
    file = tmp_path / "m" / "saved_model.pb"
    content = file.read_bytes()
    for bad in (b"", content[:-3], b"\xff" * 50):
        file.write_bytes(bad)
        with tf.Session() as session, pytest.raises(DataLossError, match=r"saved_model\.pb"):
            tf.saved_model.load(session, ["serve"], tmp_path / "m")
