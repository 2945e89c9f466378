"""Folders of images: what is found, what is left out and said so, decoding, splits, and seeded distortions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.data import Distortions, ImageFolder, load_image, read_image_folder
from minigraph.data.folders import summary
from minigraph.data.images import load_distorted, open_image


def write_image(path: Path, seed: int = 0, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(seed).randint(0, 256, (size[1] // 10, size[0] // 10, 3)).astype("u1")
    Image.fromarray(pixels).resize(size).save(path)
    return path


def write_classes(root: Path, **counts: int) -> Path:
    for name, count in counts.items():
        for i in range(count):
            write_image(root / name / f"{i}.jpg", i)
    return root


def test_a_class_is_a_folder(tmp_path: Path) -> None:
    write_classes(tmp_path, pears=3, apples=2)
    (tmp_path / "SOURCES.txt").write_text("not a class")
    write_image(tmp_path / ".cache" / "0.jpg")
    write_image(tmp_path / "apples" / ".hidden.jpg")
    found = read_image_folder(tmp_path)
    assert found.classes == ("apples", "pears")
    assert [str(path.relative_to(tmp_path)) for path in found.files] == [
        *(f"apples/{i}.jpg" for i in range(2)),
        *(f"pears/{i}.jpg" for i in range(3)),
    ]
    assert found.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.one_hot().tolist() == [[1, 0]] * 2 + [[0, 1]] * 3
    assert found.counts() == {"apples": 2, "pears": 3}
    assert found.skipped == ()


def test_several_folders_are_one_set(tmp_path: Path) -> None:
    """As Type_1 … Type_3, with further images in a second folder."""
    write_classes(tmp_path / "train", Type_1=2, Type_2=2)
    write_classes(tmp_path / "additional", Type_2=3, Type_3=2)
    found = read_image_folder(tmp_path / "train", tmp_path / "additional")
    assert found.counts() == {"Type_1": 2, "Type_2": 5, "Type_3": 2}


def test_what_is_left_out_is_named_and_counted(tmp_path: Path) -> None:
    write_classes(tmp_path, a=8, b=3, one=1)
    (tmp_path / "none").mkdir()
    cut = tmp_path / "a" / "0.jpg"
    cut.write_bytes(cut.read_bytes()[:-300])
    (tmp_path / "a" / "1.jpg").write_bytes(b"")
    (tmp_path / "a" / "notes.txt").write_text("notes")
    for i in range(7):
        (tmp_path / "b" / f"x{i}.png").write_bytes(b"GIF? no")
    found = read_image_folder(tmp_path)
    assert found.counts() == {"a": 6, "b": 3}
    reasons = {path.relative_to(tmp_path).as_posix(): reason for path, reason in found.skipped}
    assert len(reasons) == 3 + 7 + 2
    assert "truncated" in reasons["a/0.jpg"].lower()
    assert reasons["a/1.jpg"] == "the file is empty"
    assert "not a name of an image" in reasons["a/notes.txt"]
    assert reasons["one"] == "a class needs 2 images or more, and this one has 1"
    assert reasons["none"] == "a class needs 2 images or more, and this one has 0"
    lines = summary(found.skipped)
    (many,) = (line for line in lines if line.startswith("skipped 7: "))
    assert "x0.png" in many
    assert "and 2 more: no image of a known format" in many


def test_folders_without_classes(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such folder"):
        read_image_folder(tmp_path / "absent")
    write_classes(tmp_path, a=3, one=1)
    with pytest.raises(DataLossError, match=r"two classes or more, found a\n  skipped 1: .*one: a class needs 2"):
        read_image_folder(tmp_path)


def test_progress(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    read_image_folder(write_classes(tmp_path, a=2, b=3), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i, 5) for i in range(1, 6)]


@given(st.lists(st.integers(2, 30), min_size=2, max_size=4), st.integers(1, 99), st.integers(0, 2**64))
def test_split_is_by_class_and_seed(counts: list[int], percentage: int, seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    folder = ImageFolder(
        tuple(Path(str(i)) for i in range(len(labels))), labels, tuple(str(i) for i in range(len(counts)))
    )
    first, second = folder.split(percentage, seed)
    assert {*first.files, *second.files} == set(folder.files)
    assert len(first.files) + len(second.files) == len(folder.files)
    for label, count in enumerate(counts):
        held_out = int((second.labels == label).sum())
        assert 1 <= held_out < count
        assert abs(held_out - count * percentage / 100) <= 1
    again = folder.split(percentage, seed)
    assert (again[0].files, again[1].files) == (first.files, second.files)
    assert all(int(path.name) < len(labels) and labels[int(path.name)] == label for path, label in _pairs(second))


def _pairs(folder: ImageFolder) -> list[tuple[Path, int]]:
    return list(zip(folder.files, folder.labels.tolist(), strict=True))


def test_decoding(tmp_path: Path) -> None:
    quarters = np.zeros((40, 40, 3), np.uint8)
    quarters[:20, :20, 0] = 255
    quarters[20:, 20:, 2] = 255
    Image.fromarray(quarters).save(tmp_path / "q.png")
    small = load_image(tmp_path / "q.png", (4, 4))
    assert small.dtype == np.float32
    assert small.shape == (4, 4, 3)
    assert small[0, 0, 0] > 200 > 55 > small[0, 3, 0]
    assert small[3, 3, 2] > 200 > 55 > small[3, 0, 2]
    assert load_image(tmp_path / "q.png", (3, 7)).shape == (3, 7, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    suffix = ".tif" if mode == "CMYK" else ".png"
    path = tmp_path / f"image{suffix}"
    Image.new(mode, (5, 4)).save(path)
    image = open_image(path)
    assert (image.mode, image.size) == ("RGB", (5, 4))
    if mode in ("RGBA", "LA"):
        assert image.getpixel((0, 0)) == (255, 255, 255)  # what is transparent is white


def test_orientation_is_followed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert open_image(tmp_path / "turned.jpg").size == (4, 6)


def test_no_distortion_is_plain_loading(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png")
    assert not Distortions()
    assert (load_distorted(path, (20, 25), Distortions(), 1, 2, 3) == load_image(path, (20, 25))).all()


ALL = Distortions(True, random_crop=10, random_scale=20, random_brightness=30, random_translation=15)


def test_distortions_depend_on_seed_epoch_and_row_only(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png")
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    found = [load_distorted(path, (20, 20), ALL, *key) for key in keys]
    for key, image in reversed(list(zip(keys, found, strict=True))):
        assert (load_distorted(path, (20, 20), ALL, *key) == image).all()
    assert len({image.tobytes() for image in found}) == len(keys)


def ramp(width: int = 64, height: int = 32) -> Image.Image:
    """Red grows to the right, green downwards, blue is 100."""
    x, y = np.meshgrid(np.arange(width) * 2, np.arange(height) * 4)
    return Image.fromarray(np.stack([x, y, np.full_like(x, 100)], 2).astype(np.uint8))


numbers = st.lists(st.floats(0, 1, exclude_max=True), min_size=7, max_size=7)


@given(numbers)
def test_mirror_and_brightness(drawn: list[float]) -> None:
    changed = Distortions(flip_left_right=True, random_brightness=40).apply(ramp(), (32, 64), drawn)
    plain = np.asarray(ramp(), np.float32)
    factor = changed[0, 0, 2] / 100
    assert 0.6 - 1e-5 <= factor <= 1.4 + 1e-5
    mirrored = bool(changed[0, 0, 0] > changed[0, -1, 0])
    assert mirrored == (drawn[3] < 0.5)
    expected = plain[:, ::-1] if mirrored else plain
    assert abs(changed - np.clip(expected * factor, 0, 255)).max() < 1e-2


@settings(max_examples=50)
@given(numbers, st.integers(0, 50), st.integers(0, 50))
def test_crop_and_scale(drawn: list[float], crop: int, scale: int) -> None:
    """The part cut out lies inside, and is smaller by the crop and at most the scale besides."""
    changed = Distortions(random_crop=crop, random_scale=scale).apply(ramp(), (32, 64), drawn)
    for axis, channel, slope in ((1, 0, 2.0), (0, 1, 4.0)):
        line = np.moveaxis(changed[..., channel], axis, 0)[4:-4, 0]
        found = np.polyfit(np.arange(len(line)), line, 1)[0] / slope  # the enlargement's inverse
        least = 1 / ((1 + crop / 100) * (1 + scale / 100))
        assert least - 0.03 <= found <= 1 / (1 + crop / 100) + 0.03
        assert changed[..., channel].min() >= 0
        assert changed[..., channel].max() <= slope * (64 if axis else 32)


@given(numbers, st.integers(1, 30))
def test_translation(drawn: list[float], percent: int) -> None:
    plain = np.asarray(ramp(), np.float32)
    changed = Distortions(random_translation=percent).apply(ramp(), (32, 64), drawn)
    assert changed.shape == plain.shape
    dx = int(plain[0, 32, 0] - changed[0, 32, 0]) // 2
    dy = int(plain[16, 0, 1] - changed[16, 0, 1]) // 4
    assert abs(dx) <= round(0.64 * percent) + 1
    assert abs(dy) <= round(0.32 * percent) + 1
    for y in range(32):
        for x in (0, 1, 31, 62, 63):
            from_y, from_x = (_mirror(y - dy, 32), _mirror(x - dx, 64))
            assert changed[y, x].tolist() == plain[from_y, from_x].tolist()


def _mirror(place: int, size: int) -> int:
    place = -1 - place if place < 0 else place
    return 2 * size - 1 - place if place >= size else place


@pytest.mark.parametrize("setting", [{"random_crop": -1}, {"random_brightness": 101}, {"random_translation": 100}])
def test_percentages(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected a percentage from 0"):
        Distortions(**setting)  # type: ignore[arg-type]
