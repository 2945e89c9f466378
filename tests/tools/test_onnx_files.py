"""ONNX files on the command line: run-onnx, import and export with sizes, and wherever a network's name goes.

Tests `tools/run_onnx.py`, `tools/shared/onnx_target.py` and `tools/shared/sizes.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from click.testing import CliRunner  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from PIL import Image  # noqa: E402
from support import onnx_runtime  # noqa: E402
from support.digits_folder import write_digits  # noqa: E402

from minigraph.core.errors import MinigraphError  # noqa: E402
from minigraph.tools.cli import main  # noqa: E402
from minigraph.tools.run_onnx import _compare  # noqa: E402


def run(*arguments: Any, code: int = 0) -> str:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution, an enlargement by a factor, and the mean: any image size."""
    random = np.random.RandomState(0)
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Resize", ["a", "", "scales"], ["big"], mode="linear"),
        helper.make_node("GlobalAveragePool", ["big"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["y"]),
    ]
    weights = {"w": random.randn(4, 3, 3, 3).astype("f4"), "scales": np.array([1, 1, 2, 2], np.float32)}
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "height", "width"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])],
        [numpy_helper.from_array(a, n) for n, a in weights.items()],
    )  # fmt: skip
    path: Path = tmp_path_factory.mktemp("model") / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_run_a_picture_and_compare(model: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.RandomState(1).randint(0, 256, (70, 40, 3), np.uint8)).save(tmp_path / "photo.png")
    out = tmp_path / "out.npz"
    text = run(
        "run-onnx", model, "--input", tmp_path / "photo.png", "--backend", "numpy", "--compare", "onnxruntime",
        "--runs", 1, "-o", out,
    )  # fmt: skip
    assert "y: float32 (1, 4)" in text
    assert "differs from ONNX Runtime by at most" in text
    assert np.load(out)["y"].shape == (1, 4)


def test_run_arrays(model: Path, tmp_path: Path) -> None:
    image = np.random.RandomState(2).randn(2, 3, 9, 14).astype(np.float32)
    (wanted,) = onnx_runtime.evaluate(model, {"image": image})
    np.save(tmp_path / "a.npy", image)
    np.savez(tmp_path / "a.npz", image=image)
    np.savez(tmp_path / "wrong.npz", picture=image)
    np.save(tmp_path / "flat.npy", image[0])
    for source in ("a.npy", "a.npz", f"image={tmp_path}/a.npy"):
        file = source if "=" in source else tmp_path / source
        run("run-onnx", model, "--input", file, "--backend", "numpy", "-o", tmp_path / "y.npz")
        np.testing.assert_allclose(np.load(tmp_path / "y.npz")["y"], wanted, rtol=1e-4, atol=1e-6)
    for source, message in (
        ("nowhere.npy", "no such file"),
        ("wrong.npz", "has the arrays picture; the model's inputs are image"),
        ("flat.npy", "the array for 'image' has the shape (3, 9, 14), the input (?, 3, ?, ?)"),
    ):
        assert message in run("run-onnx", model, "--input", tmp_path / source, "--backend", "numpy", code=1)


def test_damaged_arrays(model: Path, tmp_path: Path) -> None:
    """An archive and an array that are cut off, empty, named as each other, or hold pickles."""
    image = np.zeros((1, 3, 8, 8), np.float32)
    np.save(tmp_path / "whole.npy", image)
    np.savez(tmp_path / "whole.npz", image=image)
    np.save(tmp_path / "pickle.npy", np.array([{}]))
    np.savez(tmp_path / "pickle.npz", image=np.array([{}]))
    for kind, other in (("npy", "npz"), ("npz", "npy")):
        content = (tmp_path / f"whole.{kind}").read_bytes()
        (tmp_path / f"named.{other}").write_bytes(content)
        (tmp_path / f"empty.{kind}").write_bytes(b"")
        (tmp_path / f"cut.{kind}").write_bytes(content[: len(content) // 2])
        (tmp_path / f"garbled.{kind}").write_bytes(content[:8] + b"\xff" * 90 + content[98:])
    for name in ("pickle", "named", "empty", "cut", "garbled"):
        for kind in ("npy", "npz"):
            file = tmp_path / f"{name}.{kind}"
            text = run("run-onnx", model, "--input", file, "--backend", "numpy", code=1)
            assert f"{file} is damaged" in text or f"{file}: not a weight file" in text or f"{file}: damaged" in text


def test_an_output_of_any_name(tmp_path: Path) -> None:
    """Names that `numpy.savez` takes for its own parameters."""
    names = ["file", "allow_pickle", "args"]
    kind = [TensorProto.FLOAT, [2]]
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], [n]) for n in names], "g", [helper.make_tensor_value_info("x", *kind)],
        [helper.make_tensor_value_info(n, *kind) for n in names],
    )  # fmt: skip
    model, out = tmp_path / "names.onnx", tmp_path / "y.npz"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    np.save(tmp_path / "x.npy", np.array([1, -2], np.float32))
    run("run-onnx", model, "--input", tmp_path / "x.npy", "--backend", "numpy", "-o", out)
    with np.load(out) as found:
        assert {n: found[n].tolist() for n in found.files} == {n: [-1, 2] for n in names}


def test_sizes_that_were_chosen_and_do_not_fit(tmp_path: Path) -> None:
    """The error says so; sizes of inputs that are given are not chosen."""
    text = """<ir_version: 8, opset_import: ["": 18]> g (float[n] x) => (float[5,3] y) {
        shape = Constant <value = int64[2] {5, 3}> ()
        y = Reshape (x, shape)
    }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "reshape.onnx")
    np.save(tmp_path / "x.npy", np.ones(15, np.float32))
    for command in ("run-onnx", "profile"):
        text = run(command, tmp_path / "reshape.onnx", "--backend", "numpy", code=1)
        assert "Sizes that do not fit may be the cause: x: (1,) for (?,); set others with --shape" in text
    text = run("run-onnx", tmp_path / "reshape.onnx", "--backend", "numpy", "--input", tmp_path / "x.npy")
    assert "sizes chosen" not in text


def test_float16_outputs_may_differ_in_their_last_place(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 18]> g (float16[2] x) => (float16[2] y) { y = Identity (x) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "half.onnx")
    x = np.array([1.0, 0.25], np.float16)
    _compare(tmp_path / "half.onnx", {"x": x}, {"y": x + np.array([0, 2**-10], np.float16)})
    with pytest.raises(MinigraphError, match="the outputs y differ"):
        _compare(tmp_path / "half.onnx", {"x": x}, {"y": x + np.array([0, 2**-9], np.float16)})


def test_a_sequence_as_output(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 18]> g (float[3] x) => (seq(float[K]) y, float[3] z) {
        y = SplitToSequence (x)
        z = Neg (x)
    }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "parts.onnx")
    text = run("run-onnx", tmp_path / "parts.onnx", "--backend", "numpy", "--compare", "onnxruntime")
    for name in ("y[0]", "y[1]", "y[2]", "z"):
        assert f"{name}: differs from ONNX Runtime by at most 0.0e+00" in text


def test_sizes_of_unknown_dimensions(model: Path) -> None:
    text = run("run-onnx", model, "--backend", "numpy", "--dim", "height=8", "--dim", "width=6", "--runs", 1)
    assert "image: (1, 3, 8, 6) for (?, 3, 8, 6)" in text
    text = run("run-onnx", model, "--backend", "numpy", "--shape", "image=1,3,8,8", "--runs", 1)
    assert "chosen" not in text
    for wrong, message in (
        (["--dim", "depth=3"], "no symbolic dimensions ['depth']; it has ['N', 'height', 'width']"),
        (["--dim", "height=x"], "--dim: expected NAME=SIZE"),
        (["--shape", "image=1x2"], "--shape: expected INPUT=SIZES"),
        (["--shape", "image=1,4,8,8"], "is (?, 3, ?, ?) in the model"),
    ):
        assert message in run("run-onnx", model, "--backend", "numpy", *wrong, code=2 if "expected" in message else 1)
    assert "are for ONNX models" in run("explain", "mnist-cnn", "--dim", "N=3", code=1)


def test_wherever_a_networks_name_goes(model: Path, tmp_path: Path) -> None:
    small = ["--shape", "image=1,3,8,8"]
    run("viz", model, "-o", tmp_path / "net.svg", *small)
    assert "convolution" in (tmp_path / "net.svg").read_text()
    assert "launches" in run("profile", model, "--backend", "numpy", "--steps", 1, *small)
    assert run("explain", model, "--backend", "numpy", *small)
    assert "no pass changes" in run("bisect", model, "--backend", "numpy", *small)
    assert "no such file" in run("viz", tmp_path / "other.onnx", "-o", tmp_path / "o.svg", code=1)


def test_import_with_sizes(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "image:0 float32[?,3,?,?]" in run("import", model)
    assert (tmp_path / "net.graph").is_file()
    assert "image:0 float32[?,3,16,?]" in run("import", model, "-o", "b.graph", "--dim", "height=16")


def test_export_of_a_trained_network(tmp_path: Path) -> None:
    """As the first command of docs/onnx.md: from the folder of a run; with named outputs."""
    digits, folder, out = write_digits(tmp_path / "data"), tmp_path / "run", tmp_path / "digits.onnx"
    training = ["train", "mnist-cnn", "--data", digits, "--batch-size", 10, "--max-steps", 1, "--out", folder]
    CliRunner().invoke(main, list(map(str, training)))  # its exit code says that it was stopped
    assert "no checkpoint" in run("export", "mnist-cnn", out, "--checkpoint", tmp_path, code=1)
    run("export", "mnist-cnn", out, "--checkpoint", folder)
    trained = [numpy_helper.to_array(w) for w in onnx.load(out).graph.initializer]
    run("export", "mnist-cnn", out, "--opset", 21, "--batch-name", "images")
    found = onnx.load(out)
    initial = [numpy_helper.to_array(w) for w in found.graph.initializer]
    assert not all(np.array_equal(a, b) for a, b in zip(trained, initial, strict=False))
    assert [o.name for o in found.graph.output] == ["logits", "probabilities", "class"]
    assert found.opset_import[0].version == 21
    assert found.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "images"
    images = np.random.RandomState(0).uniform(size=(2, 784)).astype(np.float32)
    logits, probabilities, label = onnx_runtime.evaluate(out, {"images": images})
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(logits.argmax(1), label)
    for names, message in (
        (("--output", "score"), "--output score: The name 'score:0'"),
        (("--set", "p=1"), "--set p:"),
    ):
        assert message in run("export", "mnist-cnn", out, *names, code=2)
    assert "ends in .onnx" in run("export", "mnist-cnn", tmp_path / "x.txt", code=2)
    assert "operator set must be from 17" in run("export", "mnist-cnn", out, "--opset", 9, code=1)


def test_channels_first_inputs(tmp_path: Path) -> None:
    for layout, shape in (("NCHW", (1, 3, 227, 227)), ("NHWC", (1, 227, 227, 3))):
        run("export", "squeezenet", tmp_path / f"{layout}.onnx", "--layout", layout)
        session = onnx_runtime.session_of(tmp_path / f"{layout}.onnx")
        assert session.get_inputs()[0].shape[1:] == list(shape[1:])
