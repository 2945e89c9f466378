"""Checkpoints, meta graphs and SavedModels in TensorFlow's form.

Tests `formats/tensorflow/meta_graph.py`, `train/checkpoint_reader.py`, `train/graph_export.py`,
`train/meta_graph.py`, `train/meta_graph_def.py`, `train/restored.py`, `train/stored.py` and `tf1/saving.py`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigraph as tf
import minigraph.tf1 as tf1
from minigraph.core.errors import DataLossError, GraphError, MinigraphError, NotFoundError
from minigraph.formats.tensorflow.checkpoint import write_checkpoint


def model() -> tf.Tensor:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("net/w", [3, 2], initializer=tf.random_normal_initializer(seed=1))
    y = tf.matmul(x, w, name="y")
    tf.add_to_collection("outputs", y)
    tf.add_to_collection("notes", "a text")
    tf.add_to_collection("sizes", 3)
    return y


X = np.arange(6, dtype=np.float32).reshape(2, 3)


def saved(folder: Path, **options: Any) -> tuple[str, np.ndarray]:
    with tf.Graph().as_default(), tf.Session() as session:
        y = model()
        session.run(tf.global_variables_initializer())
        path = tf1.train.Saver().save(session, folder / "m", global_step=3, **options)
        return path, session.run(y, {"x:0": X})


def test_the_facade_writes_checkpoints_of_tensorflow(tmp_path: Path) -> None:
    path, wanted = saved(tmp_path)
    assert path == str(tmp_path / "m-3")
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m-3.data-00000-of-00001", "m-3.index", "m-3.meta"]
    assert f'model_checkpoint_path: "{path}"' in (tmp_path / "checkpoint").read_text()
    assert tf.train.latest_checkpoint(tmp_path) == path
    assert tf.train.checkpoint_exists(path)
    with tf.Graph().as_default(), tf.Session() as session:
        y = model()
        tf.train.Saver().restore(session, path)  # whose own form is another
        np.testing.assert_array_equal(session.run(y, {"x:0": X}), wanted)


def test_old_checkpoints_go(tmp_path: Path) -> None:
    with tf.Session() as session:
        model()
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver(max_to_keep=2, write_version=2, save_relative_paths=True)
        for step in range(4):
            saver.save(session, tmp_path / "m", step)
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["m-2.index", "m-3.index"]
    assert len(list(tmp_path.iterdir())) == 7
    assert '"m-3"' in (tmp_path / "checkpoint").read_text()
    again = tf.train.Saver(max_to_keep=1, write_version=2)
    again.recover_last_checkpoints([*saver.last_checkpoints, str(tmp_path / "gone")])
    assert again.last_checkpoints == [str(tmp_path / "m-2"), str(tmp_path / "m-3")]


def test_a_meta_graph(tmp_path: Path) -> None:
    path, wanted = saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path + ".meta")
        assert saver is not None
        saver.restore(session, path)
        np.testing.assert_array_equal(session.run("y:0", {"x:0": X}), wanted)
        assert [t.name for t in tf.get_collection("outputs")] == ["y:0"]
        assert tf.get_collection("notes") == ["a text"]
        assert tf.get_collection("sizes") == [3]
        assert [v.name for v in tf.trainable_variables()] == ["net/w:0"]
        assert tf.trainable_variables()[0] is tf.global_variables()[0]
        assert saver.save(session, tmp_path / "again") == str(tmp_path / "again")
    with tf.Graph().as_default():
        message = tf1.train.export_meta_graph(tmp_path / "text.meta", as_text=True)
        assert not message.graph_def.node
        model()
        message = tf1.train.export_meta_graph(tmp_path / "text.meta", as_text=True)
        assert message.saver_def.restore_op_name == "save/restore_all"
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph(tmp_path / "text.meta", import_scope="s") is not None
        assert tf.global_variables()[0].name == "s/net/w:0"


@pytest.mark.parametrize("scope", ["part", "save", "Save"])
def test_a_savers_message_names_its_nodes_in_the_meta_graph(scope: str) -> None:
    """A node in the scope `save` brings a helper there, so that the Saver's nodes get other names."""
    model()
    with tf.name_scope(scope):
        tf.reduce_sum(tf.placeholder(tf.float32, [2, 3]))
    message = tf1.train.export_meta_graph()
    found = tf.train.Saver().as_saver_def()
    assert found == message.saver_def
    names = {node.name for node in message.graph_def.node}
    assert {found.filename_tensor_name[:-2], found.save_tensor_name[:-2], found.restore_op_name} <= names
    assert (found.filename_tensor_name == "save/Const:0") == (scope == "part")


def test_a_partitioned_variable_is_restored_and_saved(tmp_path: Path) -> None:
    """A graph as TensorFlow writes it for a variable in two parts."""
    with tf.Graph().as_default():
        for i in (0, 1):
            tf.Variable(tf.zeros([2, 3]), name=f"w/part_{i}")
        message = tf1.train.export_meta_graph()
    for node in message.graph_def.node:
        if node.name == "save/SaveV2/tensor_names":
            node.attr["value"].tensor.string_val[:] = [b"w", b"w"]
        if node.name == "save/SaveV2/shape_and_slices":
            node.attr["value"].tensor.string_val[:] = [b"4 3 0,2:0,3", b"4 3 2,2:0,3"]
    whole = np.arange(12, dtype=np.float32).reshape(4, 3)
    write_checkpoint(str(tmp_path / "m"), {"w": whole})
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(message)
        assert saver is not None
        saver.restore(session, tmp_path / "m")
        np.testing.assert_array_equal(session.run("w/part_1:0"), whole[2:])
        path = saver.save(session, tmp_path / "n", write_meta_graph=False)
    assert tf.train.list_variables(path) == [("w", [4, 3])]
    np.testing.assert_array_equal(tf.train.load_variable(path, "w"), whole)


def test_reading_without_a_saver(tmp_path: Path) -> None:
    path, _ = saved(tmp_path)
    reader = tf.train.NewCheckpointReader(path)
    assert reader.get_variable_to_shape_map() == {"net/w": [3, 2]}
    assert reader.get_variable_to_dtype_map() == {"net/w": tf.float32}
    assert b"net/w (DT_FLOAT32) [3, 2]" in reader.debug_string()
    assert tf.train.list_variables(tmp_path) == [("net/w", [3, 2])]
    with pytest.raises(NotFoundError, match="Key other not found"):
        reader.get_tensor("other")
    with pytest.raises(ValueError, match="Couldn't find"):
        tf.train.list_variables(tmp_path.parent)
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("mine/w", [3, 2])
        tf.train.init_from_checkpoint(path, {"net/": "mine/"})
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(w), reader.get_tensor("net/w"))
        with pytest.raises(ValueError, match="is not found in the checkpoint"):
            tf.train.init_from_checkpoint(path, {"none": w})
        with pytest.raises(ValueError, match="doesn't match with shape"):
            tf.train.init_from_checkpoint(path, {"net/w": tf.get_variable("v", [2])})


@pytest.mark.parametrize("part", [".index", ".data-00000-of-00001"])
def test_damaged_checkpoints(tmp_path: Path, part: str) -> None:
    path, _ = saved(tmp_path)
    file = Path(path + part)
    content = file.read_bytes()
    for bad in (content[: len(content) // 2], b"", bytes(b ^ 0x55 for b in content)):
        file.write_bytes(bad)
        with tf.Graph().as_default(), tf.Session() as session:
            model()
            with pytest.raises(DataLossError, match="m-3"):
                tf.train.Saver().restore(session, path)


@pytest.mark.parametrize("seed", range(15))
def test_a_damaged_meta_graph_ends_in_an_error_of_ours(tmp_path: Path, seed: int) -> None:
    path, _ = saved(tmp_path)
    random = np.random.RandomState(seed)
    content = bytearray(Path(path + ".meta").read_bytes())
    for _ in range(random.randint(1, 8)):
        content[random.randint(len(content))] = random.randint(256)
    Path(path + ".meta").write_bytes(content[: random.randint(len(content) // 2, len(content))])
    with tf.Graph().as_default(), suppress(MinigraphError):
        tf.train.import_meta_graph(path + ".meta")


def test_a_meta_graph_with_unknown_ops_adds_nothing(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        model()
        message = tf1.train.export_meta_graph()
    message.graph_def.node.add(name="loop", op="Enter")
    with pytest.raises(GraphError, match="loop"):
        tf.train.import_meta_graph(message)
    assert not tf.get_default_graph().get_operations()


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_variables_are_restored(tmp_path: Path, dtype: str) -> None:
    value = np.array([1 + 2j, -0.5j], dtype)
    for api in (tf, tf1):
        with tf.Graph().as_default(), tf.Session() as session:
            variable = tf.Variable(value, name="z")
            session.run(variable.initializer)
            if (api, dtype) == (tf, "complex128"):
                with pytest.raises(TypeError, match="'z' is complex128"):
                    api.train.Saver().save(session, str(tmp_path / "refused"))
                continue
            path = api.train.Saver().save(session, str(tmp_path / api.__name__))
            session.run(variable.assign(np.zeros_like(value)).op)
            api.train.Saver().restore(session, path)
            found = session.run(variable)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, value)
