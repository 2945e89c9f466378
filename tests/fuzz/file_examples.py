"""The readers that `fuzz/files.py` checks, and small examples of the files that they read."""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from support.paths import CHECKPOINTS

import minigraph as tf
from minigraph.graphs.graph_file import read_graph_file
from minigraph.weights import load_weights, save_weights


class Reader(NamedTuple):
    """read: gets a file of the name `file`. examples: contents of such files; they may be made in the folder given."""

    file: str
    read: Callable[[Path], Any]
    examples: Callable[[Path], list[bytes]]


def _network() -> tf.Graph:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
        w = tf.get_variable("w", [3, 3, 1, 2])
        y = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
        tf.nn.softmax(tf.reshape(y, [-1, 32]), name="y")
    return graph


def _weights(suffix: str) -> Callable[[Path], list[bytes]]:
    def make(folder: Path) -> list[bytes]:
        path = folder / f"w{suffix}"
        save_weights(path, {"a/b": np.arange(12.0).reshape(3, 4), "c": np.arange(5), "d": np.float32(1).reshape(())})
        return [path.read_bytes()]

    return make


def _packed_npz(folder: Path) -> list[bytes]:
    np.savez_compressed(folder / "w.npz", w=np.zeros((40, 40), np.float32), v=np.asfortranarray(np.ones((2, 3))))
    return [*_weights(".npz")(folder), (folder / "w.npz").read_bytes()]


def _packed_hdf5(folder: Path) -> list[bytes]:
    import h5py

    with h5py.File(folder / "p.h5", "w") as file:
        file.create_dataset("a/w", data=np.zeros((40, 40), "f4"), chunks=(10, 40), compression="gzip", shuffle=True)
        file.create_dataset("b", data=np.arange(9), fletcher32=True, chunks=(3,))
    return [*_weights(".h5")(folder), (folder / "p.h5").read_bytes()]


def _torch(folder: Path) -> list[bytes]:
    import torch

    state = {"a.weight": torch.randn(3, 4), "t": torch.randn(2, 3).t(), "n": {"b": torch.ones(2, dtype=torch.bfloat16)}}
    contents = []
    for zipped in (True, False):
        torch.save(state, folder / "w.pth", _use_new_zipfile_serialization=zipped)
        contents.append((folder / "w.pth").read_bytes())
    return contents


def _index(path: Path) -> Any:
    data = "model-3.data-00000-of-00001"
    if not (path.parent / data).exists():
        shutil.copy(CHECKPOINTS / data, path.parent / data)
    return load_weights(path)


def _onnx_nodes() -> list[Any]:
    from onnx import helper

    return [
        helper.make_node("Conv", ["x", "w"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        helper.make_node("Resize", ["c", "", "f"], ["d"], mode="linear"),
        helper.make_node("Shape", ["d"], ["e"]),
        helper.make_node("Slice", ["e", "i0", "i1"], ["g"]),
        helper.make_node("Concat", ["g", "i2"], ["h"], axis=0),
        helper.make_node("Reshape", ["d", "h"], ["k"]),
        helper.make_node("Tile", ["k", "i3"], ["l"]),
        helper.make_node("Transpose", ["l"], ["m"], perm=[1, 0]),
        helper.make_node("Softmax", ["m"], ["y"], axis=-1),
    ]


def _onnx(folder: Path) -> list[bytes]:
    import onnx
    from onnx import helper, numpy_helper

    arrays: dict[str, Any] = {
        "w": np.ones((2, 1, 3, 3), "f4"), "s": np.ones(2, "f4"), "f": np.array([1, 1, 2, 2], "f4"),
        "i0": np.array([0]), "i1": np.array([1]), "i2": np.array([-1]), "i3": np.array([2, 1]),
    }  # fmt: skip
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 1, 8, 8])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, None])
    opsets = [helper.make_opsetid("", 17)]
    weights = [numpy_helper.from_array(a, n) for n, a in arrays.items()]
    model = helper.make_model(helper.make_graph(_onnx_nodes(), "g", [x], [y], weights), opset_imports=opsets)
    fixed = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 1, 8, 8])
    constant = helper.make_graph(_onnx_nodes(), "g", [], [y], [*weights, numpy_helper.from_array(
        np.ones((2, 1, 8, 8), "f4"), "x")])  # fmt: skip
    static = helper.make_model(helper.make_graph(_onnx_nodes(), "g", [fixed], [y], weights), opset_imports=opsets)
    folded = helper.make_model(constant, opset_imports=opsets)
    return [m.SerializeToString() for m in (model, static, folded)]


def _read_onnx(path: Path) -> Any:
    from minigraph import onnx

    with tf.Graph().as_default():
        return onnx.load(path)


def _graph_def(text: bool) -> Callable[[Path], list[bytes]]:
    def make(folder: Path) -> list[bytes]:
        from google.protobuf import text_format

        message = _network().as_graph_def()
        return [text_format.MessageToString(message).encode() if text else message.SerializeToString()]

    return make


def _read_graph_def(path: Path) -> Any:
    from minigraph.formats.tensorflow.graph_def import read_graph

    with tf.Graph().as_default():
        return tf.import_graph_def(read_graph(path))


def _meta_graph(folder: Path) -> list[bytes]:
    from minigraph.formats.tensorflow.meta_graph import meta_graph_message

    with _network().as_default() as graph:
        message = meta_graph_message(graph, {v.op.name: v for v in tf.global_variables()})
        return [message.SerializeToString()]


def _read_meta_graph(path: Path) -> Any:
    with tf.Graph().as_default():
        return tf.train.import_meta_graph(path)


def _graph_file(folder: Path) -> list[bytes]:
    return [_network().as_records().to_text().encode()]


def _bundle(folder: Path) -> list[bytes]:
    from minigraph.models.bundle import make_bundle, save_bundle
    from minigraph.models.record import Preprocessing

    with _network().as_default() as graph, tf.Session(backend="numpy") as session:
        session.run(tf.global_variables_initializer())
        x, y = (graph.get_tensor_by_name(name) for name in ("x:0", "y:0"))
        labels = [str(i) for i in range(32)]
        save_bundle(folder / "b.mgb", make_bundle(session, x, y, labels, Preprocessing("L", (0.0,), (255.0,))))
    return [(folder / "b.mgb").read_bytes()]


def _read_bundle(path: Path) -> Any:
    from minigraph.models.bundle import load_bundle

    return load_bundle(path)


def _records(compression: str) -> Reader:
    from minigraph.formats.tensorflow.records import RecordWriter, read_records

    def make(folder: Path) -> list[bytes]:
        with RecordWriter(folder / "r", compression) as writer:
            for size in (0, 1, 100, 5000):
                writer.write(bytes(size))
        return [(folder / "r").read_bytes()]

    return Reader("records", lambda path: list(read_records(path, compression)), make)


def _pictures(folder: Path) -> list[bytes]:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (13, 17, 3)).astype(np.uint8)
    contents = []
    for kind in ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"):
        for mode in ("RGB", "L"):
            buffer = io.BytesIO()
            Image.fromarray(noise).convert(mode).save(buffer, kind)
            contents.append(buffer.getvalue())
    return contents


def _read_picture(path: Path) -> Any:
    from minigraph.data import load_image

    return load_image(path, (8, 8))


def _decode(path: Path) -> Any:
    from minigraph.ops.host.image_files import decoded

    return decoded(path.read_bytes(), 0)


def _idx(folder: Path) -> list[bytes]:
    from minigraph.data import write_idx

    write_idx(folder / "i", np.zeros((3, 4, 5), np.uint8))
    write_idx(folder / "f", np.ones((2, 3), np.float32))
    plain = [(folder / name).read_bytes() for name in "if"]
    return [*plain, *(gzip.compress(content) for content in plain)]


def _read_idx(path: Path) -> Any:
    from minigraph.data import read_idx

    return read_idx(path)


READERS: dict[str, Reader] = {
    "safetensors": Reader("w.safetensors", load_weights, _weights(".safetensors")),
    "npz": Reader("w.npz", load_weights, _packed_npz),
    "hdf5": Reader("w.h5", load_weights, _packed_hdf5),
    "torch": Reader("w.pth", load_weights, _torch),
    "checkpoint-v1": Reader("w.ckpt", load_weights, lambda _: [(CHECKPOINTS / "first.ckpt").read_bytes()]),
    "checkpoint-v2": Reader("model-3.index", _index, lambda _: [(CHECKPOINTS / "model-3.index").read_bytes()]),
    "onnx": Reader("m.onnx", _read_onnx, _onnx),
    "onnx-weights": Reader("m.onnx", load_weights, _onnx),
    "graph-def": Reader("g.pb", _read_graph_def, _graph_def(False)),
    "graph-text": Reader("g.pbtxt", _read_graph_def, _graph_def(True)),
    "meta-graph": Reader("g.meta", _read_meta_graph, _meta_graph),
    "graph-file": Reader("g.json", read_graph_file, _graph_file),
    "bundle": Reader("b.mgb", _read_bundle, _bundle),
    "tfrecord": _records(""),
    "tfrecord-gzip": _records("GZIP"),
    "tfrecord-zlib": _records("ZLIB"),
    "picture": Reader("picture", _read_picture, _pictures),
    "decode": Reader("picture", _decode, _pictures),
    "idx": Reader("numbers", _read_idx, _idx),
}
