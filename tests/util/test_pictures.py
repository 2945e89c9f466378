"""Image files of other formats, and of sizes that do not fit the file, are refused before they are decoded."""

from __future__ import annotations

import io

import pytest

from minigraph.util.pictures import PICTURES, check_pixels, open_picture
from minigraph.util.read_budget import Damaged

Image = pytest.importorskip("PIL.Image")
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"


def test_formats_that_run_other_programs_are_not_opened() -> None:
    assert Image.open(io.BytesIO(EPS)).format == "EPS"
    with pytest.raises(Image.UnidentifiedImageError):
        open_picture(io.BytesIO(EPS))


@pytest.mark.parametrize("kind", [k for k in PICTURES if k not in ("JPEG2000", "WEBP")])
def test_formats_that_are_read(kind: str) -> None:
    content = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(content, kind)
    content.seek(0)
    picture = open_picture(content)
    check_pixels(picture, len(content.getvalue()))
    assert picture.size == (3, 2)


def test_an_image_larger_than_its_file_may_take_is_refused() -> None:
    picture = Image.new("1", (8000, 6000))
    with pytest.raises(Damaged, match="'the image' of shape \\[6000, 8000, 3\\] is too large"):
        check_pixels(picture, 1000)
    check_pixels(picture, 10 << 20)
