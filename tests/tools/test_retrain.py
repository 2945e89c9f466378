"""Retraining: the tool's split and samples, the cache, which layers change, resuming, and what is written."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.paths import TESTS

import minigraph as tf
from minigraph.core.errors import DataLossError, InvalidArgumentError
from minigraph.data import Distortions, ImageFolder, read_image_folder
from minigraph.models.bundle import Predictor, load_bundle
from minigraph.models.folder_cnn import folder_cnn
from minigraph.models.record import Model
from minigraph.models.registry import get_model
from minigraph.tools.cli import main
from minigraph.tools.retrain.bottlenecks import Bottlenecks, weights_key
from minigraph.tools.retrain.events import Events
from minigraph.tools.retrain.network import RetrainPlan, build_network, end_points
from minigraph.tools.retrain.recommend import advise, measure
from minigraph.tools.retrain.run import Retraining, RetrainSettings
from minigraph.tools.retrain.split import hash_percentage, part_of, split_images
from minigraph.tools.shared.progress import Counter
from minigraph.weights import save_weights

MODEL = get_model("squeezenet")
SMALL = replace(get_model("folder-cnn"), build=partial(folder_cnn, width=0.1), image_size=16)
LAST_ONLY = RetrainPlan("pool9", False, "sgd", 0.01)
RECORDED = [("photos/red/1.jpg", 87_608_157), ("cats/a_nohash_1.jpg", 127_100_246)]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def photos(written: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of two classes, which differ in colour; by a relative path, as it decides on the split."""
    monkeypatch.chdir(written.parent)
    return Path(written.name)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos", numbered=False)
    random = np.random.RandomState(0)
    for name, channel in (("red", 0), ("blue", 2)):
        (root / name).mkdir()
        for i in range(12):
            pixels = random.randint(0, 100, (8, 8, 3))
            pixels[..., channel] += 150
            Image.fromarray(pixels.astype(np.uint8)).resize((64, 48)).save(root / name / f"{i}.jpg")
    return root


def write_weights(path: Path, model: Model) -> Path:
    """Initial values, as a file of pretrained ones."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.set_random_seed(1)
        model.build(tf.placeholder(tf.float32, [None, *model.image_shape]), num_classes=model.classes)
        session.run(tf.global_variables_initializer())
        save_weights(path, {v.op.name: session.run(v) for v in tf.global_variables()})
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "squeezenet.npz", MODEL)


@pytest.fixture(scope="module")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "small.npz", SMALL)


@pytest.fixture(scope="module")
def bottlenecks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bottlenecks")


@pytest.mark.parametrize("name", ["photos/red/1.jpg", "p/a_nohash_1.jpg", "a/ü.png", ""])
def test_the_hash_is_that_of_tensorflows_tool(name: str) -> None:
    plain = name.split("_nohash_")[0]
    number = int(hashlib.sha1(plain.encode("utf-8")).hexdigest(), 16)
    assert hash_percentage(name) == (number % (2**27)) * (100.0 / (2**27 - 1))
    assert hash_percentage(name, 1) != hash_percentage(name)


@pytest.mark.parametrize(("path", "number"), RECORDED)
def test_recorded_places(path: str, number: int) -> None:
    """By `printf %s photos/red/1.jpg | sha1sum`: 2²⁷ divides 16⁷, so the last seven hexadecimal digits decide."""
    assert hash_percentage(path) == pytest.approx(number * 100 / 134_217_727, rel=1e-15)


def test_parts() -> None:
    places = {f"x/{i}.jpg": hash_percentage(f"x/{i}.jpg") for i in range(300)}
    for path, place in places.items():
        expected = "validation" if place < 15 else "testing" if place < 35 else "training"
        assert part_of(path, testing=20, validation=15) == expected
    assert part_of("x/a_nohash_1.jpg", 20, 15) == part_of("x/a_nohash_2.jpg", 20, 15)


def folder_of(*counts: int) -> ImageFolder:
    files = [Path(f"d/{label}/{i}.jpg") for label, count in enumerate(counts) for i in range(count)]
    return ImageFolder(tuple(files), np.repeat(np.arange(len(counts)), counts), tuple(map(str, range(len(counts)))))


def test_split_and_samples() -> None:
    folder = folder_of(30, 300)
    split = split_images(folder, 20, 20)
    parts = [split.every(part).tolist() for part in ("training", "validation", "testing")]
    assert sorted([*parts[0], *parts[1], *parts[2]]) == list(range(330))
    assert split.warnings == ()
    rows = split.sample("training", 2000, seed=3, step=7)
    assert set(rows) <= set(parts[0])
    # A class comes as often as another, though there are ten times as many images of it.
    assert abs((folder.labels[rows] == 0).mean() - 0.5) < 0.05
    assert (split.sample("training", 2000, 3, 7) == rows).all()
    assert (split.sample("training", 2000, 3, 8) != rows).any()
    assert (split.sample("training", 2000, 4, 7) != rows).any()
    assert split.sample("testing", -1, 0, 0).tolist() == parts[2]


def test_splits_that_cannot_be() -> None:
    assert any("less than 20 images" in line for line in split_images(folder_of(19, 40), 30, 30).warnings)
    with pytest.raises(DataLossError, match="no training image is left"):
        split_images(folder_of(2, 2), 45, 50)
    with pytest.raises(DataLossError, match="another --split-seed"):
        split_images(folder_of(3, 3), 0.001, 0.001)


def test_cache(photos: Path, tmp_path: Path) -> None:
    folder = read_image_folder(photos)
    seen: list[int] = []

    def forward(images: np.ndarray) -> np.ndarray:
        seen.append(len(images))
        return images.mean((1, 2))

    def new() -> Bottlenecks:
        return Bottlenecks(folder, tmp_path / "cache", lambda path: np.full((4, 4, 3), int(path.stem), "f4"), forward)

    cache = new()
    assert len(cache.missing()) == 24

    def stop(done: int) -> None:
        if done == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.create(cache.missing(), stop)
    assert len(new().missing()) == 24 - 16  # what was done is kept
    again = new()
    again.create(again.missing())
    assert sum(seen) == 24
    assert again.missing() == []
    expected = [[int(path.stem)] * 3 for path in folder.files]
    assert again.get(range(24)).tolist() == expected
    assert not [p for p in tmp_path.rglob("*") if p.suffix == ".tmp"]

    again.file(3).write_bytes(b"\x93NUMPY")  # damaged: computed anew
    assert new().get([3]).tolist() == [expected[3]]
    changed = folder.files[5]
    before, times = again.file(5), changed.stat()
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    assert new().missing() == [5]  # an image that changed is computed anew
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert again.file(5) == before


def test_weights_have_a_key(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    keys = {weights_key(tmp_path / "a", 0), weights_key(tmp_path / "b", 0), weights_key(None, 0), weights_key(None, 1)}
    assert len(keys) == 4
    (tmp_path / "c").write_bytes(b"1")
    assert weights_key(tmp_path / "c", 9) == weights_key(tmp_path / "a", 0)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (LAST_ONLY, {"final_training_ops"}),
        (RetrainPlan("fire8", False, "sgd", 0.01), {"fire9", "final_training_ops"}),
        (RetrainPlan("fire7", False, "adam", 0.01), {"fire8", "fire9", "final_training_ops"}),
    ],
)
def test_only_what_comes_after_the_cut_is_trained(plan: RetrainPlan, expected: set[str]) -> None:
    network = build_network(MODEL, 3, plan, "final_result", 0)
    names = {v.op.name.removeprefix("squeezenet/").partition("/")[0] for v in network.trained}
    assert names == expected
    assert network.predictions.name == "final_result:0"


@pytest.mark.parametrize("from_scratch", [False, True])
def test_all_is_trained(from_scratch: bool) -> None:
    network = build_network(MODEL, 3, RetrainPlan(None, from_scratch, "momentum", 0.01), "final_result", 0)
    assert {v.op.name.split("/")[1] for v in network.trained} >= {"conv1", "fire2", "fire9", "weights"}
    assert not any("conv10" in v.op.name for v in network.trained)  # the old classes' layer


def test_end_points() -> None:
    assert end_points(MODEL)[:3] == ["conv1", "pool1", "fire2"]
    with pytest.raises(InvalidArgumentError, match="no end point 'fire99'; it has conv1, "):
        build_network(MODEL, 3, RetrainPlan("fire99", False, "sgd", 0.01), "final_result", 0)
    with pytest.raises(InvalidArgumentError, match="logits comes after pool9"):
        build_network(MODEL, 3, RetrainPlan("logits", False, "sgd", 0.01), "final_result", 0)


def options(photos: Path, weights: Path, cache: Path, out: Path, steps: int) -> list[object]:
    return [
        "retrain", "--image_dir", photos, "--model", "squeezenet", "--weights", weights, "--bottleneck_dir", cache,
        "--out", out, "--how_many_training_steps", steps, "--testing-percentage", 25, "--validation-percentage", 20,
    ]  # fmt: skip


def test_what_is_printed_and_written(photos: Path, weights: Path, bottlenecks: Path, tmp_path: Path) -> None:
    result = run(*options(photos, weights, bottlenecks, tmp_path, 25), "--print_misclassified_test_images")
    assert result.exit_code == 0, result.output
    text = result.output
    assert "24 bottleneck files created." in text
    for step in (0, 10, 20, 24):
        assert re.search(rf": Step {step}: Train accuracy = [\d.]+%\n", text)
        assert re.search(rf": Step {step}: Cross entropy = \d+\.\d+\n", text)
        assert re.search(rf": Step {step}: Validation accuracy = [\d.]+% \(N=100\)\n", text)
    final = re.search(r"Final test accuracy = ([\d.]+)% \(N=(\d+)\)", text)
    assert final is not None
    misclassified = text[text.index("=== MISCLASSIFIED TEST IMAGES ===") :].count(".jpg  ")
    assert misclassified == round(int(final[2]) * (1 - float(final[1]) / 100))
    assert (tmp_path / "labels.txt").read_text() == "blue\nred\n"

    # The exported network, by itself, names the test images as the run did.
    bundle = load_bundle(tmp_path / "retrained.mgb")
    assert bundle.labels == ("blue", "red")
    assert bundle.predictions == "final_result:0"
    split = split_images(read_image_folder(photos), 25, 20)
    rows = split.every("testing")
    folder = read_image_folder(photos)
    images = np.stack([_picture(folder.files[row]) for row in rows])
    right = (Predictor(bundle).predict(images).argmax(1) == folder.labels[rows]).sum()
    assert right == len(rows) - misclassified

    events = sorted(path.parent.name for path in (tmp_path / "summaries").rglob("events.out.tfevents.*"))
    assert events == ["train", "validation"]
    # The same network and weights: no bottleneck is computed again, and a finished run is shown again.
    again = run(*options(photos, weights, bottlenecks, tmp_path, 25))
    assert "bottleneck files created" not in again.output
    assert "going on from" in again.output
    assert final[0] in again.output
    other = run(*options(photos, weights, bottlenecks, tmp_path, 25), "--learning-rate", 0.5)
    assert "learning-rate 0.01 instead of 0.5" in other.output


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((227, 227), Image.Resampling.BILINEAR), np.float32)


SETTINGS = RetrainSettings("folder-cnn", "numpy", 8, 8, 2, 25, 20, 0, 0)


def new(
    photos: Path, weights: Path | None, out: Path, cache: Path, plan: RetrainPlan, distortions: Distortions
) -> Retraining:
    return Retraining(SMALL, read_image_folder(photos), plan, SETTINGS, distortions, weights, out, cache)


def train(retraining: Retraining, total: int, folder: Path) -> list[float]:
    events = Events(folder, retraining.network.graph, retraining.network.trained[-2:])
    with events, Counter("training", quiet=True) as counter:
        retraining.train(total, events, counter)
    return [found.train_loss for found in retraining.history]


@pytest.mark.parametrize(
    ("cut", "distortions"),
    [
        ("fc2", Distortions()),
        ("fc2", Distortions(True, random_scale=10, random_brightness=5)),
        ("fc1", Distortions()),
        (None, Distortions(random_translation=10)),
    ],
)
def test_going_on_gives_the_same_numbers(
    photos: Path, small_weights: Path, bottlenecks: Path, tmp_path: Path, cut: str | None, distortions: Distortions
) -> None:
    def start(name: str) -> Retraining:
        plan = RetrainPlan(cut, False, "momentum", 0.01)
        retraining = new(photos, small_weights, tmp_path / name, bottlenecks, plan, distortions)
        retraining.start(True)
        return retraining

    whole = start("a")
    expected = train(whole, 5, tmp_path / "e")
    assert len(expected) == 3
    train(start("b"), 2, tmp_path / "e")
    second = start("b")
    assert second.step == 2
    assert train(second, 5, tmp_path / "e")[-2:] == expected[-2:]
    assert (second.test(-1).logits == whole.test(-1).logits).all()


def test_frozen_layers_stay_and_others_change(
    photos: Path, small_weights: Path, bottlenecks: Path, tmp_path: Path
) -> None:
    plan = RetrainPlan("fc1", False, "sgd", 0.01)
    retraining = new(photos, small_weights, tmp_path / "a", bottlenecks, plan, Distortions())
    before = {name: value.copy() for name, value in retraining.session.read_state().items()}
    stored = np.load(small_weights)
    assert len(stored.files) == 12
    assert all((before[name] == stored[name]).all() for name in stored.files)
    retraining.start(True)
    train(retraining, 2, tmp_path / "e")
    after = retraining.session.read_state()
    changed = {name for name in before if (after[name] != before[name]).any()}
    assert changed == {v.op.name for v in retraining.network.trained}
    assert {name.split("/")[1] for name in changed} == {"fc2", "weights", "biases"}


def test_from_scratch(photos: Path, tmp_path: Path) -> None:
    retraining = new(photos, None, tmp_path / "a", tmp_path, RetrainPlan(None, True, "adam", 0.001), Distortions(True))
    assert retraining.bottlenecks is None
    retraining.start(True)
    assert np.isfinite(train(retraining, 2, tmp_path / "e")).all()
    assert len(retraining.test(2).rows) == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "needs --weights, unless it is trained --from-scratch"),
        (["--train-all", "--freeze_to", "fire5"], "--freeze-to and --train-all exclude each other"),
        (["--from-scratch", "--weights", "x"], "expected --weights or --from-scratch, not both"),
        (["--testing_percentage", "0"], "above 0"),
    ],
)
def test_mistakes(photos: Path, more: list[str], message: str) -> None:
    result = run("retrain", "--image-dir", photos, "--model", "squeezenet", *more)
    assert result.exit_code == 2
    assert message in result.output


def test_damaged_images_and_small_classes_are_named(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "red").symlink_to((photos / "red").resolve())
    (tmp_path / "blue").symlink_to((photos / "blue").resolve())
    (tmp_path / "green").mkdir()
    (tmp_path / "green" / "1.jpg").write_bytes(b"")
    result = run("retrain", "--image-dir", tmp_path, "--model", "squeezenet", "--recommend", "--quiet")
    assert result.exit_code == 0, result.output
    assert "1.jpg: the file is empty" in result.output
    assert "green: a class needs 2 images or more, and this one has 0" in result.output


def test_likeness() -> None:
    random = np.random.RandomState(0)
    labels = np.repeat([0, 1, 2], [10, 10, 20])
    apart = np.eye(3)[labels] + 0.01 * random.randn(40, 3)
    assert measure(apart, labels).accuracy == 1
    assert measure(apart, labels).similar
    noise = measure(random.randn(40, 300), labels)
    assert noise.chance == 0.5
    assert not noise.similar


def test_likeness_leaves_an_image_out_of_its_class() -> None:
    random = np.random.RandomState(1)
    x, labels = random.randn(9, 4), np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    right = 0
    for i in range(9):
        others = np.delete(np.arange(9), i)
        means = [x[others[labels[others] == c]].mean(0) for c in range(3)]
        right += int(np.argmin([((x[i] - m) ** 2).sum() for m in means]) == labels[i])
    assert measure(x, labels).accuracy == pytest.approx(right / 9)


def test_the_four_cases() -> None:
    names = end_points(MODEL)
    assert advise(MODEL, names, 50, True).options == "--train-last-only"
    assert advise(MODEL, names, 5000, True).options == "--train-all"
    assert advise(MODEL, names, 50, False).options.split()[0] == "--freeze-to"
    assert advise(MODEL, names, 50, False).options.split()[1] in names
    assert advise(MODEL, names, 5000, False).options == "--from-scratch"


def test_recommendation(photos: Path, weights: Path, bottlenecks: Path, tmp_path: Path) -> None:
    more = ["--model", "squeezenet", "--bottleneck-dir", bottlenecks, "--out", tmp_path, "--recommend"]
    result = run("retrain", "--image-dir", photos, "--weights", weights, *more)
    assert result.exit_code == 0, result.output
    assert "12 to 12 of a class" in result.output
    assert re.search(r"is right for [\d.]+% of the images; guessing for 50.0%", result.output)
    assert "not known without --weights" in run("retrain", "--image-dir", photos, *more).output


def test_the_copied_photographs_are_whole() -> None:
    folder = read_image_folder(TESTS / "fixtures" / "photos")
    assert folder.counts() == {"fishes": 28, "monuments": 27, "tools": 39}
    assert folder.skipped == ()
