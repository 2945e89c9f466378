"""Pages about a trained network: `minigraph show`, and `minigraph eval --report`, tools/eval_report.py.

The pages are made by `tools/shared/html_page.py`.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.needed import needed

import minigraph as tf
from minigraph.data import load
from minigraph.models.bundle import make_bundle, save_bundle
from minigraph.models.record import SIGNED, Preprocessing
from minigraph.models.registry import get_model
from minigraph.tools.cli import main
from minigraph.tools.eval_report import Confusion, write_report
from minigraph.tools.show import Subject, filters_sheet, subject
from minigraph.tools.show import pictures as show_pictures
from minigraph.train.native_checkpoint import write_checkpoint

RANDOM = np.random.RandomState(0)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a few steps."""
    folder = tmp_path_factory.mktemp("run")
    done = run("train", "lenet5-modern", "--data", "sample", "--max-steps", 4, "--out", folder, "--quiet")
    assert done.exit_code == 0, done.output
    return folder


def pictures(page: str) -> list[Image.Image]:
    found = re.findall(r"data:image/png;base64,([\w+/=]+)", page)
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


def test_a_page_about_a_network_of_ones_own(trained: Path, tmp_path: Path) -> None:
    needed("matplotlib")
    out = tmp_path / "page.html"
    result = run("show", "lenet5-modern", "--checkpoint", trained, "--data", "sample", "-o", out)
    assert result.exit_code == 0, result.output
    page = out.read_text("utf-8")
    assert "Filters of lenet5_modern/c1/Conv2D" in page
    assert "6 of 5 x 5 on 1 inputs." in page
    assert page.count("<h2>test image ") == 2
    assert "lenet5_modern/c3/Relu: 16 maps of 10 x 10" in page
    drawn = pictures(page)
    assert len(drawn) == 1 + 2 * (1 + 4)
    assert all(np.asarray(image.convert("L")).std() > 5 for image in drawn)


def test_a_photograph_a_class_and_a_layer(trained: Path, tmp_path: Path) -> None:
    needed("matplotlib")
    Image.fromarray(RANDOM.randint(0, 256, (40, 50, 3)).astype(np.uint8)).save(tmp_path / "photo.png")
    arguments = ("--image", tmp_path / "photo.png", "--class", "3", "--layer", "lenet5_modern/s2", "--top", 2)
    result = run("show", "lenet5-modern", "--checkpoint", trained, "-o", tmp_path / "page.html", *arguments)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<h2>photo.png</h2>" in page
    assert "Explained: 3." in page
    assert len(pictures(page)) == 3


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Initial variables of mnist-cnn, in a file that is a weight file and a checkpoint of `minigraph train`."""
    path = tmp_path_factory.mktemp("flat") / "mnist.safetensors"
    with tf.Graph().as_default() as graph, tf.Session(graph=graph, backend="numpy") as session:
        get_model("mnist-cnn").build(tf.placeholder(tf.float32, [None, 784]), stddev=0.03)
        session.run(tf.global_variables_initializer())
        arrays = {v.op.name: session.run(v) for v in tf.global_variables()}
    write_checkpoint(str(path), arrays, {"settings": "{}"})
    return path


@pytest.mark.parametrize("source", ["--checkpoint", "--weights"])
def test_images_of_each_kind_for_a_network_that_takes_vectors(source: str, weights: Path, tmp_path: Path) -> None:
    """mnist-cnn is trained on [784] and takes [28, 28, 1] as well; photographs and test images fit both."""
    Image.fromarray(RANDOM.randint(0, 256, (28, 28)).astype(np.uint8)).save(tmp_path / "x.png")
    given = {option: weights if option == source else None for option in ("--checkpoint", "--weights")}
    with subject("mnist-cnn", given["--checkpoint"], given["--weights"], "numpy") as seen:
        (photo,) = show_pictures("mnist-cnn", seen, [tmp_path / "x.png"])
        first, _ = show_pictures("mnist-cnn", seen, [], "sample")
        photographed = np.asarray(Image.open(tmp_path / "x.png")) / 255
        for picture, levels in ((photo, photographed), (first, load("sample").test_images[0])):
            np.testing.assert_allclose(picture.fed.ravel(), levels.ravel(), atol=1e-6)
            np.testing.assert_allclose(picture.pixels, levels.reshape(28, 28), atol=1e-6)
            assert seen.view.look(picture.fed).scores.sum() == pytest.approx(1, abs=1e-5)


def test_a_bundle(tmp_path: Path) -> None:
    """A network that is one file, with its classes; its photographs are cropped as it wants."""
    needed("matplotlib")
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        images = tf.placeholder(tf.float32, [None, 24, 24, 3], name="images")
        net = tf.layers.conv2d(images, 5, 3, activation=tf.nn.relu, name="conv")
        scores = tf.nn.softmax(tf.layers.dense(tf.reduce_mean(net, [1, 2]), 2))
        session.run(tf.global_variables_initializer())
        bundle = make_bundle(session, images, scores, ["cat", "dog"], SIGNED)
    save_bundle(tmp_path / "pets.mgb", bundle)
    Image.fromarray(RANDOM.randint(0, 256, (40, 30, 3)).astype(np.uint8)).save(tmp_path / "photo.png")
    refused = run("show", tmp_path / "pets.mgb", "-o", tmp_path / "page.html")
    assert "name photographs with --image" in refused.output
    arguments = ("--image", tmp_path / "photo.png", "--class", "dog", "-o", tmp_path / "page.html")
    result = run("show", tmp_path / "pets.mgb", *arguments)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "5 of 3 x 3 on 3 inputs." in page
    assert "Explained: dog." in page
    assert len(pictures(page)) == 3
    for option in ("--checkpoint", "--weights", "--data"):  # none of them could act
        refused = run("show", tmp_path / "pets.mgb", *arguments, option, "sample")
        assert refused.exit_code == 1
        assert option in refused.output


@pytest.mark.parametrize("name", ["lenet5-modern", "mnist-cnn", "resnet20"])
def test_a_test_image_is_scaled_as_the_weights_expect_and_drawn_as_it_was(name: str) -> None:
    """The weights may expect another scaling than the model's; the border and the colours are the network's."""
    model = get_model(name)
    colours, border = model.channels, (model.image_size - 28) // 2
    scaling = Preprocessing("BGR" if colours == 3 else "L", (10.0, 20.0, 30.0)[:colours], (3.0, 5.0, 7.0)[:colours])
    if model.recipe is not None and model.recipe.image_shape == (784,):
        scaling = model.preprocessing  # the data is as this network takes it, so it is not scaled
    shape = model.image_shape
    seen = Subject(None, (), scaling, shape, model.image_size, None)  # type: ignore[arg-type]
    shown = show_pictures(name, seen, [], "sample")
    assert len(shown) == 2
    for picture, image in zip(shown, load("sample").test_images[:2], strict=True):
        padded = np.pad(image.reshape(28, 28), border)
        want = np.stack([padded] * colours, 2)
        np.testing.assert_allclose(picture.pixels, want if colours == 3 else padded, atol=1e-6)
        np.testing.assert_allclose(
            picture.fed, (255 * want - np.array(scaling.mean)) / np.array(scaling.std), rtol=1e-4, atol=1e-4
        )


def test_filters_are_drawn_in_their_colours() -> None:
    """A filter that looks for red is red, whatever the order in which the network takes colours."""
    needed("matplotlib")
    for channels, place in (("RGB", 0), ("BGR", 2)):
        filters = np.zeros((3, 3, 3, 1), np.float32)
        filters[:, :, place] = 1
        (image,) = filters_sheet(filters, channels).axes[0].get_images()
        np.testing.assert_array_equal(image.get_array(), np.broadcast_to([1.0, 0.5, 0.5], (3, 3, 3)))


def test_a_run_that_has_not_ended_is_compared_by_its_checkpoint(trained: Path, tmp_path: Path) -> None:
    (checkpoint,) = trained.glob("checkpoint-*.safetensors")
    (tmp_path / "run").mkdir()
    shutil.copy(checkpoint, tmp_path / "run")
    result = run("compare", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert re.search(r"lenet5-modern +│ +0\.05\d* │", result.output)  # 4 of its 78 steps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lenet5-modern"], "give --checkpoint, of `minigraph train`, or --weights"),
        (["lenet5-modern", "--checkpoint", "RUN", "--image", "x.png", "--data", "sample"], "give one of the two"),
        (["lenet5-modern", "--checkpoint", "RUN", "--class", "ten"], "no class 'ten'"),
        (["lenet5-modern", "--checkpoint", "RUN", "--layer", "conv"], "no layer 'conv' with maps; there are "),
        (["vgg17", "--checkpoint", "RUN"], "did you mean"),
    ],
)
def test_mistakes(arguments: list[str], message: str, trained: Path, tmp_path: Path) -> None:
    needed("matplotlib")
    given = [str(trained) if a == "RUN" else a for a in arguments]
    result = run("show", *given, "-o", tmp_path / "page.html")
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "page.html").exists()


def test_a_report_in_no_folder_is_refused_before_the_evaluation(trained: Path, tmp_path: Path) -> None:
    result = run("eval", "lenet5-modern", "--checkpoint", trained, "--report", tmp_path / "no" / "report.html")
    assert result.exit_code == 1
    assert result.output == f"Error: {tmp_path / 'no' / 'report.html'}: there is no folder {tmp_path / 'no'}\n"


def test_the_report_of_an_evaluation(trained: Path, tmp_path: Path) -> None:
    result = run("eval", "lenet5-modern", "--checkpoint", trained, "--report", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    right = int(re.findall(r"\((\d+) of 1,000\)", result.output)[0])
    page = (tmp_path / "report.html").read_text("utf-8")
    assert f"{right:,} of 1,000 images" in page
    assert f"Wrong: {1000 - right} images" in page
    diagonal = re.findall(r"rgba\(20,130,82,[\d.]+\)\">(\d+)<", page)
    assert sum(map(int, diagonal)) == right
    assert len(pictures(page)) == min(120, 1000 - right)


def test_confusions_against_naive_counts() -> None:
    actual, predicted = RANDOM.randint(0, 4, 200), RANDOM.randint(0, 3, 200)
    found = Confusion.of(actual, predicted, 5)
    for i, j in np.ndindex(5, 5):
        assert found.counts[i, j] == sum(a == i and p == j for a, p in zip(actual, predicted, strict=True))
    recall, precision = found.shares()
    assert recall[1] == pytest.approx(np.mean(predicted[actual == 1] == 1))
    assert precision[1] == pytest.approx(np.mean(actual[predicted == 1] == 1))
    assert np.isnan(recall[4])
    assert np.isnan(precision[3])
    count, i, j = found.pairs()[0]
    assert count == found.counts[i, j] == max(found.counts[a, b] for a, b in np.ndindex(5, 5) if a != b)


def test_the_report_of_many_classes_and_colours(tmp_path: Path) -> None:
    """The confusions are listed; names and pictures are those of the images."""
    count = 60
    labels = np.eye(count, dtype=np.float32)
    logits = np.roll(labels, 1, axis=1) * 3 + labels * (np.arange(count) % 2 * 9)[:, None].astype(np.float32)
    images = RANDOM.uniform(size=(count, 4, 4, 3)).astype(np.float32)
    classes = [f"<{n}>" for n in range(count)]
    write_report(tmp_path / "r.html", "many & more", logits, labels, images, classes)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "<h1>many &amp; more</h1>" in page
    assert "The 30 most frequent of 30 confusions." in page
    assert "0: &lt;0&gt; taken for &lt;1&gt;" in page
    np.testing.assert_array_equal(np.asarray(pictures(page)[0]), np.rint(255 * images[0]))
