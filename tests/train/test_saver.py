"""Checkpoints: exact, whole or absent, and refused when damaged.

Tests `train/checkpoint_state.py`.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import minigraph as tf
from minigraph.core.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from minigraph.train.native_checkpoint import read_checkpoint


@pytest.fixture
def model() -> tuple[tf.Variable, tf.Variable]:
    return tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="weights"), tf.Variable(5, name="steps")


def started() -> tf.Session:
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def contents(session: tf.Session) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in session.read_state().items()}


# round trips


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "bool"]
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 1, 4), (0, 3)])
def test_round_trip(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    value = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    v = tf.Variable(value)
    saver = tf.train.Saver()
    with started() as session:
        path = saver.save(session, tmp_path / "model")
        session.run(v.assign(np.zeros(shape, dtype)))
        saver.restore(session, path)
        found = np.asarray(session.run(v))
    assert (found.dtype, found.shape) == (value.dtype, shape)
    assert found.tobytes() == value.tobytes()


def test_special_values_survive(tmp_path: Path) -> None:
    value = np.array([np.nan, np.inf, -np.inf, -0.0, np.float32(1e-45)], np.float32)
    v = tf.Variable(value)
    with started() as session:
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
    with tf.Session() as session:
        tf.train.Saver().restore(session, path)
        assert session.run(v).tobytes() == value.tobytes()


def test_a_restored_variable_needs_no_initialisation(tmp_path: Path, model: Any) -> None:
    saver = tf.train.Saver()
    with started() as session:
        path = saver.save(session, tmp_path / "model")
    with tf.Session() as session:
        saver.restore(session, path)
        assert session.run(model[1]) == 5
        assert session.run(model[0]).tolist() == [[1, 2], [3, 4]]


def test_paths(tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    saver = tf.train.Saver()
    with started() as session:
        assert saver.save(session, tmp_path / "a") == str(tmp_path / "a.safetensors")
        assert saver.save(session, str(tmp_path / "a.safetensors")) == str(tmp_path / "a.safetensors")
        assert saver.save(session, tmp_path / "b", global_step=7) == str(tmp_path / "b-7.safetensors")
        assert saver.save(session, tmp_path / "b", global_step=model[1]) == str(tmp_path / "b-5.safetensors")
        assert saver.save(session, tmp_path / "new" / "folder" / "c").endswith("c.safetensors")
        for path in (tmp_path / "a", tmp_path / "b-7.safetensors", str(tmp_path / "b-5")):
            assert tf.train.checkpoint_exists(path)
            saver.restore(session, path)
        assert not tf.train.checkpoint_exists(tmp_path / "nosuch")
        monkeypatch.chdir(tmp_path)
        assert saver.save(session, "here") == "here.safetensors"
        assert tf.train.latest_checkpoint(".") == "./here.safetensors"
        assert saver.save(session, "v1.5") == "v1.5.safetensors"


def test_the_file_is_plain_safetensors(tmp_path: Path, model: Any) -> None:
    with started() as session:
        path = tf.train.Saver().save(session, tmp_path / "model")
    arrays = load_file(path)
    assert arrays["weights"].tolist() == [[1, 2], [3, 4]]
    assert arrays["steps"] == 5


def test_the_graph_is_written_unless_it_cannot_be_or_is_not_wanted(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(2.0, name="w")
        session.run(w.initializer)
        saver = tf.train.Saver()
        saver.save(session, tmp_path / "plain")
        saver.save(session, tmp_path / "bare", write_meta_graph=False)
        tf.py_func(lambda v: v, [w], tf.float32)
        path = saver.save(session, tmp_path / "function")
        with pytest.raises(tf.errors.GraphError, match="PyFunc"):
            saver.save(session, tmp_path / "wanted", write_meta_graph=True)
        assert [p.name for p in tmp_path.glob("*.meta")] == ["plain.meta"]
        session.run(w.assign(5.0))
        saver.restore(session, path)
        assert session.run(w) == 2.0
    with tf.Graph().as_default():
        for name in ("plain.meta", "plain.safetensors.meta"):
            assert tf.train.import_meta_graph(tmp_path / name) is not None
        with pytest.raises(tf.errors.NotFoundError, match=r"bare\.meta"):
            tf.train.import_meta_graph(tmp_path / "bare.meta")


def test_metadata(tmp_path: Path, model: Any) -> None:
    with started() as session:
        path = tf.train.Saver().save(session, tmp_path / "model", metadata={"epoch": "3", "format": 'é\n"x'})
    assert tf.train.read_metadata(path) == {"epoch": "3", "format": 'é\n"x'}
    with started() as session:
        path = tf.train.Saver().save(session, tmp_path / "bare")
    assert tf.train.read_metadata(path) == {}


# what is saved


def test_lists_and_dictionaries_of_variables(tmp_path: Path, model: Any) -> None:
    weights, steps = model
    with started() as session:
        path = tf.train.Saver([weights]).save(session, tmp_path / "part")
        assert sorted(load_file(path)) == ["weights"]
        renamed = tf.train.Saver({"other/name": weights}).save(session, tmp_path / "renamed")
        assert sorted(load_file(renamed)) == ["other/name"]
        session.run([weights.assign(weights * 0.0), steps.assign(0)])
        tf.train.Saver({"other/name": weights}).restore(session, renamed)
        assert session.run(weights).tolist() == [[1, 2], [3, 4]]
        assert session.run(steps) == 0
        with pytest.raises(NotFoundError, match="Key steps not found"):
            tf.train.Saver().restore(session, path)


def test_a_saver_takes_variables_only(model: Any) -> None:
    with pytest.raises(TypeError, match="Variable"):
        tf.train.Saver([model[0] + 1.0])
    with pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver([])
    with tf.Graph().as_default(), pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver()


def test_variables_made_after_the_saver_are_not_saved(tmp_path: Path, model: Any) -> None:
    saver = tf.train.Saver()
    tf.Variable(1.0, name="late")
    with started() as session:
        assert sorted(load_file(saver.save(session, tmp_path / "model"))) == ["steps", "weights"]


def test_an_uninitialised_variable(tmp_path: Path, model: Any) -> None:
    with tf.Session() as session:
        session.run(model[0].initializer)
        with pytest.raises(FailedPreconditionError, match="uninitialized value steps"):
            tf.train.Saver().save(session, tmp_path / "model")
        tf.train.Saver([model[0]]).save(session, tmp_path / "part")
    assert not (tmp_path / "model.safetensors").exists()


def test_a_variable_in_a_scope_called_random(tmp_path: Path) -> None:
    with tf.variable_scope("random"):
        v = tf.get_variable("w", initializer=2.0)
    w = tf.random_uniform([], seed=1, name="w")
    saver = tf.train.Saver()
    with started() as session:
        session.run(w)
        path = saver.save(session, tmp_path / "model")
        session.run(v.assign(0.0))
        following = session.run(w)
        saver.restore(session, path)
        assert session.run(v) == 2
        assert session.run(w) == following


# going on exactly


def training(seed: int | None) -> tuple[Any, Any, dict[Any, Any]]:
    if seed is not None:
        tf.set_random_seed(seed)
    rng = np.random.default_rng(0)
    x = tf.placeholder(tf.float32, [None, 8])
    labels = tf.placeholder(tf.float32, [None, 3])
    hidden = tf.nn.dropout(tf.nn.relu(tf.matmul(x, tf.Variable(tf.random_normal([8, 16])))), 0.5)
    noise = tf.random_normal([3], stddev=0.1)
    logits = tf.matmul(hidden, tf.Variable(tf.truncated_normal([16, 3]))) + noise
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    train = tf.train.AdamOptimizer(0.05).minimize(loss, tf.train.get_or_create_global_step())
    return train, loss, {x: rng.normal(size=(10, 8)), labels: np.eye(3)[rng.integers(0, 3, 10)]}


@pytest.mark.parametrize("seed", [4, None])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_training_goes_on_exactly(tmp_path: Path, seed: int | None, at: int) -> None:
    train, loss, feeds = training(seed)
    saver = tf.train.Saver()

    def steps(session: tf.Session, count: int) -> list[bytes]:
        return [session.run([loss, train], feeds)[0].tobytes() for _ in range(count)]

    with started() as session:
        steps(session, at)
        path = saver.save(session, tmp_path / "model")
        expected = steps(session, 6 - at)
        final = contents(session)
        saver.restore(session, path)  # in the same session
        assert steps(session, 6 - at) == expected
    with tf.Session() as session:  # in a new one
        saver.restore(session, path)
        assert steps(session, 6 - at) == expected
        assert contents(session) == final
        assert session.run(tf.train.get_global_step()) == 6
    with started() as session:  # in one that has gone another way
        steps(session, 2)
        saver.restore(session, path)
        assert steps(session, 6 - at) == expected
    assert len(set(expected)) == len(expected)


def test_a_saver_of_chosen_variables_leaves_random_states_alone(tmp_path: Path, model: Any) -> None:
    u = tf.random_uniform([], seed=3)
    saver = tf.train.Saver(model)
    with started() as session:
        path = saver.save(session, tmp_path / "model")
        values = [session.run(u)]
        saver.restore(session, path)
        values.append(session.run(u))
    assert values[0] != values[1]


# damage


@pytest.fixture
def saved(tmp_path: Path, model: Any) -> tuple[bytes, Path]:
    with started() as session:
        path = Path(tf.train.Saver().save(session, tmp_path / "model", metadata={"step": "1000"}))
    return path.read_bytes(), path


def refused(path: Path, session: tf.Session, error: type[Exception] = DataLossError) -> str:
    """The message with which `path` is refused; nothing has changed then."""
    before = contents(session)
    with pytest.raises(error) as caught:
        tf.train.Saver().restore(session, path)
    assert contents(session) == before
    return str(caught.value)


def test_a_truncated_file(saved: tuple[bytes, Path]) -> None:
    data, path = saved
    with started() as session:
        for length in range(len(data)):
            path.write_bytes(data[:length])
            assert str(path) in refused(path, session)
        path.write_bytes(data + b"\0")
        refused(path, session)
        path.write_bytes(data)
        tf.train.Saver().restore(session, path)


@pytest.mark.parametrize("flip", [0x01, 0x04, 0x10, 0x20, 0x80, 0xFF])
def test_a_file_with_one_changed_byte(saved: tuple[bytes, Path], flip: int) -> None:
    data, path = saved
    with started() as session:
        for position in range(len(data)):
            path.write_bytes(data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :])
            refused(path, session)
            with pytest.raises(DataLossError):
                tf.train.read_metadata(path)


def test_foreign_files(tmp_path: Path, model: Any) -> None:
    arrays = {"weights": np.zeros((2, 2), np.float32), "steps": np.array(1, np.int32)}
    foreign = tmp_path / "foreign.safetensors"
    with started() as session:
        save_file(arrays, foreign)
        assert "not a checkpoint of minigraph" in refused(foreign, session)
        save_file(arrays, foreign, {"format": "pt"})
        assert "not a checkpoint of minigraph" in refused(foreign, session)
        for content in (b"", b"PK\3\4 zip", b"\x89HDF\r\n", os.urandom(4000), b"\xff" * 16):
            foreign.write_bytes(content)
            assert str(foreign) in refused(foreign, session)


def test_a_missing_file(tmp_path: Path, model: Any) -> None:
    with started() as session:
        for path in (tmp_path / "nosuch", tmp_path):
            assert str(path) in refused(path, session, NotFoundError)
        with pytest.raises(FileNotFoundError):
            tf.train.Saver().restore(session, tmp_path / "nosuch")


@pytest.mark.parametrize(
    ("initial", "shown"),
    [(np.ones((4, 1), np.float32), r"float32[4,1]"), (np.ones((2, 2)), "float64[2,2]"), (np.float32(1), "float32[]")],
)
def test_another_shape_or_dtype(saved: tuple[bytes, Path], initial: Any, shown: str) -> None:
    with tf.Graph().as_default():
        tf.Variable(initial, name="weights")
        tf.Variable(0, name="steps")
        with started() as session:
            message = refused(saved[1], session, InvalidArgumentError)
    assert "'weights'" in message
    assert "float32[2, 2]" in message
    assert shown in message


def test_a_missing_key(saved: tuple[bytes, Path], model: Any) -> None:
    tf.Variable(1.0, name="extra")
    with started() as session:
        assert "Key extra not found" in refused(saved[1], session, NotFoundError)


# the disk


def entries(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk(tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    saver = tf.train.Saver()
    with started() as session:
        path = Path(saver.save(session, tmp_path / "model"))
        old, names = path.read_bytes(), entries(tmp_path)
        session.run(model[1].assign(6))

        def full(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        for target in ("model", "other"):
            with monkeypatch.context() as patch:
                patch.setattr(os, call, full)
                with pytest.raises(OSError, match="No space left"):
                    saver.save(session, tmp_path / target)
            assert entries(tmp_path) == names
            assert path.read_bytes() == old
        assert tf.train.latest_checkpoint(tmp_path) == str(path)
        saver.restore(session, path)
        assert session.run(model[1]) == 5
        session.run(model[1].assign(6))
        saver.save(session, tmp_path / "model")
        session.run(model[1].assign(0))
        saver.restore(session, path)
        assert session.run(model[1]) == 6


def test_old_checkpoints_go(tmp_path: Path, model: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    with started() as session:
        paths = [saver.save(session, tmp_path / "m", global_step=k) for k in range(4)]
        assert entries(tmp_path) == ["checkpoint.json", "m-2.meta", "m-2.safetensors", "m-3.meta", "m-3.safetensors"]
        assert saver.last_checkpoints == paths[2:]
        saver.save(session, tmp_path / "m", global_step=2)  # again: now it is the newest
        saver.save(session, tmp_path / "m", global_step=9)
        assert entries(tmp_path) == ["checkpoint.json", "m-2.meta", "m-2.safetensors", "m-9.meta", "m-9.safetensors"]
        for keep in (None, 0):
            saver = tf.train.Saver(max_to_keep=keep)
            for k in range(7):
                saver.save(session, tmp_path / f"all{keep}", global_step=k)
            assert len(list(tmp_path.glob(f"all{keep}-*.safetensors"))) == 7


def test_a_checkpoint_that_is_gone_already(tmp_path: Path, model: Any) -> None:
    saver = tf.train.Saver(max_to_keep=1)
    with started() as session:
        os.remove(saver.save(session, tmp_path / "a"))
        saver.save(session, tmp_path / "b")
    assert entries(tmp_path) == ["b.meta", "b.safetensors", "checkpoint.json"]


def test_latest_checkpoint(tmp_path: Path, model: Any) -> None:
    assert tf.train.latest_checkpoint(tmp_path) is None
    assert tf.train.latest_checkpoint(tmp_path / "nosuch") is None
    saver = tf.train.Saver()
    with started() as session:
        for k in (3, 20, 1):
            path = saver.save(session, tmp_path / "m", global_step=k)
            assert tf.train.latest_checkpoint(tmp_path) == path
    moved = tmp_path / "moved"
    os.mkdir(moved)
    for name in ("checkpoint.json", "m-1.safetensors"):
        os.rename(tmp_path / name, moved / name)
    assert tf.train.latest_checkpoint(moved) == str(moved / "m-1.safetensors")  # a folder can be moved
    os.remove(moved / "m-1.safetensors")
    assert tf.train.latest_checkpoint(moved) is None
    for content in ("", "{", "[]", '{"latest": 3}', json.dumps({"all": []})):
        (moved / "checkpoint.json").write_text(content)
        assert tf.train.latest_checkpoint(moved) is None


def test_reading_without_a_graph(saved: tuple[bytes, Path]) -> None:
    arrays, metadata = read_checkpoint(saved[1])
    assert arrays["weights"].tolist() == [[1, 2], [3, 4]]
    assert metadata == {"step": "1000"}


def test_equal_checkpoints_are_equal_files(tmp_path: Path) -> None:
    from minigraph.train.native_checkpoint import read_checkpoint, write_checkpoint

    arrays = {"b/w": np.arange(6.0).reshape(2, 3), "a": np.float32(2).reshape(()), "ü": np.zeros(0, np.int64)}
    metadata = {f"key{i}": "é" * i for i in range(20)}
    files = [tmp_path / f"{i}.safetensors" for i in range(5)]
    for file in files:
        write_checkpoint(str(file), arrays, metadata)
    assert len({file.read_bytes() for file in files}) == 1
    found, texts = read_checkpoint(files[0])
    assert texts == metadata
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
