"""`minigraph filter` and `minigraph explain-padding`: what they write, and what they answer to mistakes.

Tests `tools/textbook/pixels.py`.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.needed import needed

from minigraph.tools import cli
from minigraph.tools.textbook import chapter
from minigraph.tools.textbook.filter import KINDS
from minigraph.tools.textbook.padding import explain

ndimage = needed("scipy.ndimage")

RANDOM = np.random.RandomState(0)
GREY = RANDOM.randint(0, 256, (40, 50)).astype(np.uint8)
COLOUR = RANDOM.randint(0, 256, (40, 50, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


def save(array: np.ndarray | Image.Image, name: str = "in.png", **options: object) -> str:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(name, **options)
    return name


def filtered(name: str, *arguments: object, out: str = "out.png") -> tuple[str, np.ndarray]:
    """The mode and the numbers of what the command writes."""
    result = run("filter", name, "-o", out, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"wrote {out}\n"
    with Image.open(out) as image:
        return image.mode, np.asarray(image)


def test_grey_and_colour_images_are_filtered_by_channel() -> None:
    mode, got = filtered(save(GREY), "--kind", "median", "--size", 5)
    assert mode == "L"
    np.testing.assert_array_equal(got, ndimage.median_filter(GREY, 5, mode="nearest"))
    mode, got = filtered(save(COLOUR), "--kind", "mean", "--border", "zero")
    assert mode == "RGB"
    for c in range(3):
        mean = ndimage.uniform_filter(COLOUR[..., c].astype(float), 3, mode="constant")
        assert np.abs(got[..., c] - mean).max() <= 0.5 + 1e-4
    _, got = filtered(save(COLOUR), "--kind", "sobel")
    exact = [np.hypot(*(ndimage.sobel(COLOUR[..., c].astype(float), a) for a in (0, 1))) for c in range(3)]
    assert np.abs(got - np.clip(np.stack(exact, 2), 0, 255)).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_writes_an_image_of_the_same_size(kind: str) -> None:
    mode, got = filtered(save(COLOUR), "--kind", kind, "--backend", "numpy")
    assert mode == ("L" if kind == "canny" else "RGB")
    assert got.shape[:2] == COLOUR.shape[:2]
    assert got.std() > 1
    if kind == "canny":
        assert set(np.unique(got)) == {0, 255}


def test_the_command_offers_all_kinds() -> None:
    assert list(KINDS) == chapter._FILTERS


def test_alpha_is_kept() -> None:
    alpha = RANDOM.randint(0, 256, (40, 50, 1)).astype(np.uint8)
    mode, got = filtered(save(np.concatenate([COLOUR, alpha], 2)), "--kind", "gaussian", "--sigma", 1)
    assert mode == "RGBA"
    np.testing.assert_array_equal(got[..., 3:], alpha)
    _, opaque = filtered(save(COLOUR), "--kind", "gaussian", "--sigma", 1)
    np.testing.assert_array_equal(got[..., :3], opaque)
    mode, got = filtered(save(Image.fromarray(np.stack([GREY, alpha[..., 0]], 2))), "--kind", "identity")
    assert mode == "LA"
    np.testing.assert_array_equal(got[..., 1], alpha[..., 0])


def test_canny_makes_one_edge_map_of_a_colour_photograph() -> None:
    """It is that of the grey levels."""
    mode, got = filtered(save(COLOUR), "--kind", "canny")
    assert mode == "L"
    assert set(np.unique(got)) <= {0, 255}
    grey = COLOUR @ np.array([0.2989, 0.587, 0.114])
    _, expected = filtered(save(np.rint(grey).astype(np.uint8), "grey.png"), "--kind", "canny")
    assert (got == expected).mean() > 0.95  # whole levels differ a little


def test_grey_levels_of_a_colour_photograph() -> None:
    mode, got = filtered(save(COLOUR), "--kind", "identity", "--grey")
    assert mode == "L"
    np.testing.assert_allclose(got, np.asarray(Image.fromarray(COLOUR).convert("L")), atol=1)
    mode, got = filtered(save(GREY), "--kind", "identity", "--grey")
    np.testing.assert_array_equal(got, GREY)
    assert run("filter", save(COLOUR), "--all", "--grey").exit_code == 0


def test_sixteen_bits_are_kept() -> None:
    deep = RANDOM.randint(0, 65536, (30, 20)).astype(np.uint16)
    mode, got = filtered(save(deep), "--kind", "identity")
    assert mode.startswith("I;16")
    np.testing.assert_array_equal(got, deep)
    _, got = filtered(save(deep), "--kind", "median", out="out.tiff")
    np.testing.assert_array_equal(got, ndimage.median_filter(deep, 3, mode="nearest"))
    refused = run("filter", "in.png", "--kind", "mean", "-o", "out.jpg")
    assert "16 bits can be written as .png or .tiff" in refused.output


def test_palettes_and_other_modes_are_converted() -> None:
    palette = Image.fromarray(COLOUR).quantize(16)
    mode, got = filtered(save(palette), "--kind", "identity")
    assert mode == "RGB"
    np.testing.assert_array_equal(got, np.asarray(palette.convert("RGB")))
    mode, got = filtered(save(palette, transparency=3), "--kind", "identity")
    assert mode == "RGBA"
    np.testing.assert_array_equal(got[..., 3] == 0, np.asarray(palette) == 3)
    mode, got = filtered(save(Image.fromarray(GREY > 99)), "--kind", "identity")
    assert (mode, set(np.unique(got))) == ("L", {0, 255})
    assert filtered(save(Image.fromarray(COLOUR).convert("CMYK"), "in.tiff"), "--kind", "identity")[0] == "RGB"


def test_noise_is_repeatable_and_a_median_removes_it() -> None:
    flat = save(np.full((60, 60), 100, np.uint8))
    noisy = [filtered(flat, "--kind", "identity", "--noise", "salt-pepper:0.095", "--seed", s)[1] for s in (1, 1, 2)]
    np.testing.assert_array_equal(noisy[0], noisy[1])
    assert (noisy[0] != noisy[2]).any()
    assert (noisy[0] != 100).mean() == pytest.approx(0.095, rel=0.2)
    _, calm = filtered(flat, "--kind", "median", "--noise", "salt-pepper:0.095", "--seed", 1)
    assert (calm != 100).mean() < 0.01
    _, grainy = filtered(flat, "--kind", "identity", "--noise", "gaussian:100")
    assert grainy.astype(float).std() == pytest.approx(10, rel=0.1)


def test_a_sheet_of_all_kinds(recwarn: pytest.WarningsRecorder) -> None:
    _, got = filtered(save(COLOUR), "--all", "--noise", "gaussian:50", "--size", 5)
    assert got.shape[0] > 3 * 40
    assert got.shape[1] > 4 * 50
    assert not list(recwarn)


def test_the_name_of_the_result_and_its_format() -> None:
    result = run("filter", save(GREY, "photo.png"), "--kind", "high-pass")
    assert result.stdout == "wrote photo-high-pass.png\n"
    assert run("filter", "photo.png", "--all").stdout == "wrote photo-filters.png\n"
    assert filtered("photo.png", "--kind", "mean", out="out.jpg")[0] == "L"


def test_an_image_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    save(GREY, "turned.png", exif=exif)
    np.testing.assert_array_equal(filtered("turned.png", "--kind", "identity")[1], np.rot90(GREY, -1))


MISTAKES = [
    (["absent.png", "--kind", "mean"], "absent.png: no such file"),
    ([".", "--kind", "mean"], "no such file"),
    (["text.png", "--kind", "mean"], "text.png: not a readable image"),
    (["short.png", "--kind", "mean"], "short.png: not a readable image"),
    (["short.jpg", "--kind", "mean"], "short.jpg: not a readable image: image file is truncated"),
    (["in.png", "--kind", "mean", "--max-pixels", "1999"], "40x50 pixels are more than the limit of 1,999"),
    (["in.png", "--kind", "mean", "--size", "4"], "must be odd"),
    (["in.png", "--kind", "median", "--size", "41"], "41x41 is larger than images"),
    (["in.png", "--kind", "gaussian", "--sigma", "30"], "241x241 is larger than images"),
    (["in.png", "--kind", "mean", "--size", "0"], "expected a whole number at least 1, got 0"),
    (["in.png", "--kind", "mean", "--sigma", "2"], "--sigma has no effect on mean; it is for gaussian"),
    (["in.png", "--kind", "mean", "--border", "shrink"], "border must be zero, symmetric or reflect"),
    (["in.png", "--kind", "blur"], "'blur' is not one of"),
    (["in.png", "--kind", "canny", "--low", "9", "--high", "8"], "0 <= low <= high"),
    (["in.png", "--kind", "mean", "--noise", "gaussian"], "expected gaussian:VARIANCE"),
    (["in.png", "--kind", "mean", "--noise", "salt-pepper:2"], "expected gaussian:VARIANCE or salt-pepper:FRACTION"),
    (["in.png", "--kind", "mean", "--noise", "gaussian:nan"], "expected gaussian:VARIANCE"),
    (["in.png", "--kind", "mean", "--backend", "nonesuch"], "unknown backend 'nonesuch'"),
    (["in.png", "--kind", "mean", "-o", "out.xyz"], "must end in that of an image format"),
    (["in.png", "--kind", "mean", "-o", "absent/out.png"], "there is no folder absent"),
    (["alpha.png", "--kind", "mean", "-o", "out.jpg"], "transparency can be written as .png"),
    (["real.tiff", "--kind", "mean"], "real numbers"),
    (["in.png"], "either --kind or --all"),
    (["in.png", "--all", "--kind", "mean"], "either --kind or --all"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_mistakes_are_told_and_nothing_is_written(arguments: list[str], message: str) -> None:
    save(np.ascontiguousarray(GREY.T))
    save(np.full((8, 8, 4), 9, np.uint8), "alpha.png")
    save(np.ones((4, 4), np.float32), "real.tiff")
    Path("text.png").write_text("no image")
    for suffix in ("png", "jpg"):
        whole = io.BytesIO()
        Image.fromarray(COLOUR).save(whole, {"png": "PNG", "jpg": "JPEG"}[suffix])
        Path(f"short.{suffix}").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    result = run("filter", *arguments)
    assert result.exit_code in (1, 2)
    assert result.output.startswith("Error: ")
    assert message in result.output
    assert result.output.count("\n") == 1
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    save(GREY)
    Path("out.png").write_bytes(b"old")

    def fail(self: Image.Image, file: io.BytesIO, format: str) -> None:
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    result = run("filter", "in.png", "--kind", "mean", "-o", "out.png")
    assert (result.exit_code, result.output) == (1, "Error: No space left on device\n")
    assert Path("out.png").read_bytes() == b"old"
    assert sorted(os.listdir()) == ["in.png", "out.png"]


# explain-padding


def test_the_textbook_formula_that_gives_no_whole_number() -> None:
    result = run("explain-padding", 12, 3, "--stride", 2)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "(L - K + 2P)/S + 1 = (12 - 3 + 2*0)/2 + 1 = 5.5" in lines
    assert any(line.startswith("This is not a whole number") for line in lines)
    assert "VALID: ceil((L - K + 1)/S) = ceil((12 - 3 + 1)/2) = 5 outputs" in lines
    assert "SAME: ceil(L/S) = ceil(12/2) = 6 outputs" in lines
    assert "= 1: 0 before, 1 after" in result.output
    assert "  not read: the last 1 position" in lines


def test_explicit_padding_and_windows_that_do_not_fit() -> None:
    text = explain(7, 3, dilation=2, padding=1)
    assert "K = (3 - 1)*2 + 1 = 5" in text
    assert "P = 1: floor((L - K + 2P)/S) + 1 = floor((7 - 5 + 2)/1) + 1 = 5 outputs" in text
    assert "not a whole number" not in text
    assert "VALID: no output, for a window of 5 is longer than the 3 inputs" in explain(3, 5)
    assert run("explain-padding", 0, 3).exit_code != 0


@given(st.integers(1, 20), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3))
def test_drawings_show_every_window(length: int, kernel: int, stride: int, dilation: int, padding: int) -> None:
    """Each drawing has a line for each window with a mark for each element, all under inputs or padding."""
    for section in explain(length, kernel, stride, dilation, padding).split("\n\n")[2:]:
        lines = section.splitlines()
        if "no output" in lines[0]:
            assert (kernel - 1) * dilation + 1 > length
            continue
        if "  (too large to draw)" in lines:
            assert length + kernel * dilation + 2 * padding > 30
            continue
        inputs = next(line for line in lines if line.startswith("  input"))
        assert len(inputs.split()) - 1 - inputs.count(".") == length
        windows = [line for line in lines if line.startswith("  y[")]
        assert len(windows) == int(lines[0].rpartition("= ")[2].split()[0])
        for line in windows:
            marks = [at for at, character in enumerate(line) if character == "#"]
            assert len(marks) == kernel
            assert all(inputs[at] != " " for at in marks)
