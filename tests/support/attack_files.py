"""Small files that ask for much: hours of work, or gigabytes of memory. Each is made by a few lines."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Attack(NamedTuple):
    """make: writes the file in a folder and returns its path. read: the reader. package: that both need."""

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    package: str | None = None


def _weights(path: Path) -> Any:
    from minigraph.weights import load_weights

    return load_weights(path)


def _onnx(path: Path) -> Any:
    import minigraph as tf
    from minigraph import onnx

    with tf.Graph().as_default():
        return onnx.load(path)


def _graph_file(path: Path) -> Any:
    from minigraph.graphs.graph_file import read_graph_file

    return read_graph_file(path)


def _graph_def(path: Path) -> Any:
    import minigraph as tf
    from minigraph.formats.tensorflow.graph_def import read_graph

    with tf.Graph().as_default():
        return tf.import_graph_def(read_graph(path))


def _picture(path: Path) -> Any:
    from minigraph.data import load_image

    return load_image(path, (32, 32))


def _decoded(path: Path) -> Any:
    import minigraph as tf

    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        return session.run(tf.image.decode_image(path.read_bytes()))


def _records(compression: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        from minigraph.formats.tensorflow.records import read_records

        return list(read_records(path, compression))

    return read


def _idx(path: Path) -> Any:
    from minigraph.data import read_idx

    return read_idx(path)


# HDF5


def _hard_links(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "links.h5", "w") as file:
        group = file
        for _ in range(30):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner
    return folder / "links.h5"


def _zeros(size: int) -> bytes:
    """A zlib stream of that many zeros."""
    packer, piece = zlib.compressobj(1), bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


def _big_chunk(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "chunk.h5", "w") as file:
        file.create_dataset("w", (10,), "u1", maxshape=(None,), chunks=((1 << 31) - 1,), compression="gzip")
        file["w"].id.write_direct_chunk((0,), _zeros(256 << 20))
    return folder / "chunk.h5"


def _overflowing_chunk(folder: Path) -> Path:
    """The chunk has 10 elements, but its packed bytes unpack to far more."""
    import h5py

    with h5py.File(folder / "overflow.h5", "w") as file:
        file.create_dataset("w", (10,), "u1", chunks=(10,), compression="gzip")
        file["w"].id.write_direct_chunk((0,), _zeros(1 << 30))
    return folder / "overflow.h5"


# archives


def _npz(path: Path, *parts: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts:
            with archive.open(name, "w") as part:
                part.write(content)
    return path


def _long_header(folder: Path) -> Path:
    with (
        zipfile.ZipFile(folder / "header.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("w.npy", "w") as part,
    ):
        part.write(b"\x93NUMPY\2\0" + struct.pack("<I", 1500 << 20))
        for _ in range(1500):
            part.write(b" " * (1 << 20))
    return folder / "header.npz"


def _npy_header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"shape": shape, "fortran_order": False, "descr": "|u1"})
    return buffer.getvalue()


def _many_arrays(folder: Path) -> Path:
    each = _npy_header((100 << 20,))
    return _npz(folder / "many.npz", *((f"w{i}.npy", each) for i in range(100)))


def _strided(folder: Path) -> Path:
    """Twelve tensors of a megabyte each, of one number."""
    import torch

    wide = {f"w{i}": torch.zeros(1).expand(25 << 20) for i in range(12)}
    torch.save(wide, folder / "strided.pth")
    return folder / "strided.pth"


def _repeated_call(folder: Path) -> Path:
    """A pickle that builds a dictionary of the same long list again and again."""
    pairs = b"(" + b"".join(b"K\1K\2\x86" for _ in range(100_000)) + b"lq\0"
    call = b"ccollections\nOrderedDict\nq\1"
    again = b"".join(b"h\1h\0\x85R" for _ in range(100_000))
    return _npz(folder / "again.pth", ("a/data.pkl", b"\x80\2(" + pairs + call + again + b"l."))


# TensorFlow


def _same_block(folder: Path) -> Path:
    """A table whose index has 20,000 entries for one block of a megabyte."""
    from minigraph.formats.tensorflow.crc32c import crc32c, mask
    from minigraph.formats.tensorflow.table import MAGIC
    from minigraph.formats.tensorflow.wire import as_varint

    def sealed(block: bytes) -> bytes:
        return block + b"\0" + mask(crc32c(block + b"\0")).to_bytes(4, "little")

    count = (1 << 18) - 1
    block = bytes(4 * count) + struct.pack("<I", count)
    handle = as_varint(0) + as_varint(len(block))
    index = b"".join(b"\0\x06" + as_varint(len(handle)) + b"%06d" % i + handle for i in range(20_000))
    index += struct.pack("<II", 0, 1)
    whole = sealed(block)
    footer = as_varint(0) * 2 + as_varint(len(whole)) + as_varint(len(index))
    (folder / "same.ckpt").write_bytes(whole + sealed(index) + footer.ljust(40, b"\0") + MAGIC)
    return folder / "same.ckpt"


def _graph_text(**attributes: Any) -> str:
    node = {"name": "c", "op": "Const", "input": [], "attr": attributes, "types": ["float32[700000000]"]}
    node["source"] = ["a.py", 1, "f"]
    return json.dumps({"format": "minigraph.graph", "version": 1, "op_count": 1, "nodes": [node]})


def _filled_graph(folder: Path) -> Path:
    (folder / "filled.graph").write_text(_graph_text(value={"array": "float32[700000000]", "fill": 1.0}))
    return folder / "filled.graph"


def _deep_graph(folder: Path) -> Path:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    (folder / "deep.graph").write_text(_graph_text(value=deep))
    return folder / "deep.graph"


def _write_graph_def(path: Path, nodes: list[tuple[str, str, list[str], dict[str, Any]]]) -> Path:
    from minigraph.core.protos import proto
    from minigraph.formats.tensorflow.values import attribute

    message = proto("graph", "GraphDef")()
    for name, op, inputs, attributes in nodes:
        node = message.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            node.attr[key].CopyFrom(value if hasattr(value, "DESCRIPTOR") else attribute(value))
    path.write_bytes(message.SerializeToString())
    return path


def _filled_constant(folder: Path) -> Path:
    from minigraph.core.dtypes import float32
    from minigraph.core.protos import proto

    value = proto("attr_value", "AttrValue")()
    value.tensor.dtype = 1
    value.tensor.tensor_shape.dim.add(size=700_000_000)
    value.tensor.float_val.append(1.0)
    return _write_graph_def(folder / "filled.pb", [("c", "Const", [], {"dtype": float32, "value": value})])


def _doubled_shape(folder: Path) -> Path:
    """A shape whose value is a sum of sums, each of the one before with itself."""
    from minigraph.core.dtypes import float32, int32

    one = {"dtype": int32, "value": np.array([1], np.int32)}
    nodes: list[tuple[str, str, list[str], dict[str, Any]]] = [("n0", "Const", [], one)]
    nodes += [(f"n{i}", "Add", [f"n{i - 1}"] * 2, {"T": int32}) for i in range(1, 40)]
    nodes.append(("x", "Placeholder", [], {"dtype": float32}))
    nodes.append(("y", "Reshape", ["x", "n39"], {"T": float32, "Tshape": int32}))
    return _write_graph_def(folder / "doubled.pb", nodes)


def _nested_switches(folder: Path) -> Path:
    from minigraph.core.dtypes import bool_, float32

    nodes: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("p", "Placeholder", [], {"dtype": bool_}),
        ("s0", "Placeholder", [], {"dtype": float32}),
    ]
    nodes += [(f"s{i}", "Switch", [f"s{i - 1}", "p"], {"T": float32}) for i in range(1, 2000)]
    return _write_graph_def(folder / "switches.pb", nodes)


def _record(size: int, path: Path, compressed: bool) -> Path:
    from minigraph.formats.tensorflow.crc32c import crc32c, mask

    length = struct.pack("<Q", size)
    head = length + struct.pack("<I", mask(crc32c(length)))
    path.write_bytes(zlib.compress(head) if compressed else head)
    return path


def _many_small_records(folder: Path) -> Path:
    """A stream of zeros, which is no record, and unpacks to a gigabyte."""
    (folder / "zeros.records").write_bytes(_zeros(1 << 30))
    return folder / "zeros.records"


# ONNX


def _write_onnx(path: Path, nodes: list[Any], inputs: list[Any] = [], functions: list[Any] = [], **arrays: Any) -> Path:  # noqa: B006
    import onnx
    from onnx import helper, numpy_helper

    weights = [numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()]
    out = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["d"])]
    graph = helper.make_graph(nodes, "g", inputs, out, weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, functions=functions).SerializeToString())
    return path


def _doubling_functions(folder: Path) -> Path:
    import onnx
    from onnx import helper

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "f0", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], opsets)]
    for i in range(1, 30):
        twice = [helper.make_node(f"f{i - 1}", [a], [b], domain="own") for a, b in ("xt", "ty")]
        functions.append(helper.make_function("own", f"f{i}", ["x"], ["y"], twice, opsets))
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2])
    return _write_onnx(folder / "functions.onnx", [helper.make_node("f29", ["x"], ["y"], domain="own")], [x], functions)


def _nested_loops(folder: Path) -> Path:
    """Loops in loops, each of which changes the shape of its state, so that its body is imported again."""
    import onnx
    from onnx import helper

    body: list[Any] = [helper.make_node("Concat", ["s_in0", "s_in0"], ["s_out0"], axis=0)]
    for depth in range(20):
        inputs = [
            helper.make_tensor_value_info(f"i{depth}", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info(f"c{depth}", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"s_in{depth}", onnx.TensorProto.FLOAT, [None]),
        ]
        outputs = [
            helper.make_tensor_value_info(f"c{depth}", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info(f"s_out{depth}", onnx.TensorProto.FLOAT, [None]),
        ]
        inner = helper.make_graph(body, f"b{depth}", inputs, outputs)
        state, result = f"s_in{depth + 1}", f"s_out{depth + 1}"
        body = [helper.make_node("Loop", ["n", "", state], [result], body=inner)]
    body[0].input[2], body[0].output[0] = "x", "y"
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    n = helper.make_tensor_value_info("n", onnx.TensorProto.INT64, [])
    return _write_onnx(folder / "loops.onnx", body, [x, n])


def _constant(kind: str, inputs: dict[str, Any], **attributes: Any) -> Callable[[Path], Path]:
    """A model of one node whose inputs are all known."""

    def make(folder: Path) -> Path:
        from onnx import helper

        node = helper.make_node(kind, list(inputs), ["y"], **attributes)
        given = {name: value for name, value in inputs.items() if name}
        return _write_onnx(folder / f"{kind}.onnx", [node], **given)

    return make


# images


def _wide_png(folder: Path) -> Path:
    width, height = 18000, 9900

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + width // 8) * height), 9)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    (folder / "wide.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return folder / "wide.png"


def _big_idx(folder: Path) -> Path:
    import gzip

    content = struct.pack(">4B2I", 0, 0, 8, 2, 1 << 15, 1 << 15) + bytes(1 << 20)
    (folder / "big.gz").write_bytes(gzip.compress(content, 9) + bytes(2 << 20))
    return folder / "big.gz"


def _long_idx(folder: Path) -> Path:
    """One element, and then a gigabyte of others."""
    import gzip

    with gzip.open(folder / "long.gz", "wb", 1) as file:
        file.write(struct.pack(">4BI", 0, 0, 8, 1, 1))
        for _ in range(1024):
            file.write(bytes(1 << 20))
    return folder / "long.gz"


_INT = np.int64
_HUGE = _INT(1 << 31)
_SCALES = np.array([1, 1, 1e7, 1e7], np.float32)
ATTACKS: dict[str, Attack] = {
    "HDF5: groups linked twice, 30 deep": Attack(_hard_links, _weights, "h5py"),
    "HDF5: a chunk of 2 GB for 10 elements": Attack(_big_chunk, _weights, "h5py"),
    "HDF5: a chunk that unpacks to more than it is": Attack(_overflowing_chunk, _weights, "h5py"),
    "npz: a header of 1.5 GB": Attack(_long_header, _weights),
    "npz: 100 arrays of 100 MB": Attack(_many_arrays, _weights),
    "torch: 12 tensors of one number": Attack(_strided, _weights, "torch"),
    "torch: a list made a dictionary 100,000 times": Attack(_repeated_call, _weights),
    "table: 20,000 entries for one block": Attack(_same_block, _weights),
    "graph file: an array of 2.8 GB, filled": Attack(_filled_graph, _graph_file),
    "graph file: lists 400 deep": Attack(_deep_graph, _graph_file),
    "GraphDef: a constant of 2.8 GB, filled": Attack(_filled_constant, _graph_def, "tensorboard"),
    "GraphDef: conditions 2,000 deep": Attack(_nested_switches, _graph_def, "tensorboard"),
    "TFRecord: a record of 2^60 bytes": Attack(lambda f: _record(1 << 60, f / "r", False), _records("")),
    "TFRecord: the same, ZLIB": Attack(lambda f: _record(1 << 60, f / "r", True), _records("ZLIB")),
    "TFRecord: a gigabyte of zeros, ZLIB": Attack(_many_small_records, _records("ZLIB")),
    "ONNX: functions that call each other twice": Attack(_doubling_functions, _onnx, "onnx"),
    "ONNX: Range": Attack(_constant("Range", {"a": _INT(0), "b": _HUGE, "c": _INT(1)}), _onnx, "onnx"),
    "ONNX: Resize, linear": Attack(
        _constant("Resize", {"x": np.ones((1, 1, 2, 2), "f4"), "": None, "s": _SCALES}, mode="linear"), _onnx, "onnx"
    ),
    "PNG of 178 million pixels": Attack(_wide_png, _picture, "PIL"),
    "PNG of 178 million pixels, decoded in a run": Attack(_wide_png, _decoded, "PIL"),
    "IDX: an array of a gigabyte": Attack(_big_idx, _idx),
    "IDX: a gigabyte behind its end": Attack(_long_idx, _idx),
}
# These are read, quickly: what would be large is left to a run.
HARMLESS: dict[str, Attack] = {
    "ONNX: loops in loops": Attack(_nested_loops, _onnx, "onnx"),
    "ONNX: ConstantOfShape": Attack(
        _constant("ConstantOfShape", {"a": np.array([400_000_000], _INT)}), _onnx, "onnx"
    ),
    "ONNX: Tile": Attack(
        _constant("Tile", {"a": np.ones(1, np.float32), "b": np.array([1 << 30], _INT)}), _onnx, "onnx"
    ),
    "ONNX: Expand": Attack(
        _constant("Expand", {"a": np.ones(1, np.float32), "b": np.array([1 << 30], _INT)}), _onnx, "onnx"
    ),
    "ONNX: Pad": Attack(
        _constant("Pad", {"a": np.ones(1, np.float32), "b": np.array([0, 1 << 30], _INT)}), _onnx, "onnx"
    ),
    "ONNX: OneHot": Attack(
        _constant("OneHot", {"a": np.zeros(4, _INT), "b": _INT(1 << 30), "c": np.array([0, 1], np.float32)}),
        _onnx, "onnx",
    ),
    "ONNX: ConstantOfShape of 2^45 elements": Attack(
        _constant("ConstantOfShape", {"a": np.array([1 << 45], _INT)}), _onnx, "onnx"
    ),
    "GraphDef: a shape of sums of sums": Attack(_doubled_shape, _graph_def, "tensorboard"),
}  # fmt: skip
