"""Image files in the graph: reading, decoding and encoding, on the host between two plans, by Pillow."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, string, uint8
from minigraph.core.errors import DTypeError, InvalidArgumentError, NotFoundError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import DTypeLike, PathLike, TensorLike
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import StringConst, string_array
from minigraph.ops.host.host_ops import HostOp
from minigraph.ops.image.colour import convert_image_dtype
from minigraph.util.pictures import check_pixels, open_picture

__all__ = ["decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png", "read_file", "write_file"]

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class ReadFile(HostOp):
    """The bytes of a file. NotFoundError."""

    stateful = True
    outside = True

    def infer(self, filename: TensorType) -> tuple[TensorType, ...]:
        _require_text("ReadFile", filename)
        return (TensorType(string, ()),)

    def forward(self, xp: Any, filename: Any) -> tuple[Any, ...]:
        try:
            with open(os.fsdecode(filename.item()), "rb") as file:
                return (string_array(file.read()),)
        except FileNotFoundError as error:
            raise NotFoundError(f"{os.fsdecode(filename.item())}; {error.strerror}") from None


class WriteFile(HostOp):
    """Writes bytes to a file, whole or not at all."""

    stateful = True
    outside = True

    def infer(self, filename: TensorType, contents: TensorType) -> tuple[TensorType, ...]:
        _require_text("WriteFile", filename, contents)
        return ()

    def forward(self, xp: Any, filename: Any, contents: Any) -> tuple[Any, ...]:
        from minigraph.util.files import atomic_write

        with atomic_write(os.fsdecode(filename.item())) as file:
            file.write(contents.item())
        return ()


def _require_text(kind: str, *types: TensorType) -> None:
    for given in types:
        if given.dtype is not string or given.rank not in (None, 0):
            raise DTypeError(f"'{kind}' takes one string, not {given}")


class DecodeImage(HostOp):
    """The pixels of an image file: uint8 [H,W,C], with `channels` of 0 (as in the file), 1, 3 or 4."""

    channels: int
    format: str = ""

    def infer(self, contents: TensorType) -> tuple[TensorType, ...]:
        _require_text("DecodeImage", contents)
        return (TensorType(uint8, (None, None, self.channels or None)),)

    def forward(self, xp: Any, contents: Any) -> tuple[Any, ...]:
        return (decoded(contents.item(), self.channels, self.format),)


def decoded(contents: bytes, channels: int, kind: str = "") -> np.ndarray:
    """The pixels of an image file, uint8 [H,W,C]. InvalidArgumentError if it is damaged."""
    try:
        image = open_picture(io.BytesIO(contents))
        check_pixels(image, len(contents))
        image.load()
    except ImportError:
        raise
    except Exception as error:  # Pillow's decoders can fail in any way on a damaged file
        raise InvalidArgumentError(f"Invalid {kind or 'image'} data: {error}") from None
    own = image.mode if image.mode in _MODES.values() else "RGB"
    pixels = np.asarray(image.convert(_MODES.get(channels, own)))
    return pixels[..., None] if pixels.ndim == 2 else pixels


class EncodeImage(HostOp):
    """The bytes of a JPEG or PNG file with the pixels uint8 [H,W,C]."""

    format: str
    quality: int = 95
    compression: int = -1

    def infer(self, image: TensorType) -> tuple[TensorType, ...]:
        if image.dtype is not uint8:
            raise DTypeError(f"an image to encode must be uint8, not {image.dtype.name}")
        if image.rank not in (None, 3):
            raise ShapeError(f"image must be 3-dimensional, not {format_shape(image.shape)}")
        return (TensorType(string, ()),)

    def forward(self, xp: Any, image: Any) -> tuple[Any, ...]:
        from PIL import Image

        buffer = io.BytesIO()
        options = {"quality": self.quality} if self.format == "JPEG" else {}
        if self.compression >= 0:
            options["compress_level"] = self.compression
        pixels = np.ascontiguousarray(image[..., 0] if image.shape[-1] == 1 else image)
        Image.fromarray(pixels).save(buffer, self.format, **options)
        return (string_array(buffer.getvalue()),)


def _as_text(value: Any, name: str) -> Tensor:
    """A string tensor of a tensor, a text, a path or bytes."""
    given = as_tensor_like(value)
    if isinstance(given, Tensor):
        return given
    graph = get_default_graph()
    return graph.add(StringConst(os.fsencode(given)), (), name, control=False).outputs[0]


def read_file(filename: PathLike | bytes | Tensor, name: str | None = None) -> Tensor:
    """Read a file in each run, on the host.

    Args:
        filename: A path, or a string tensor.
        name: Name scope of the nodes.

    Returns:
        A string scalar: the bytes of the file. A run in which the file cannot be read fails with NotFoundError.

    Raises:
        DTypeError: `filename` is a tensor but not a string.

    Example:
        >>> with open("greeting.txt", "w") as file:
        ...     written = file.write("hello")
        >>> tf.Session().run(tf.read_file("greeting.txt"))
        b'hello'
    """
    with composed(name, "ReadFile", filename) as scope:
        path = _as_text(filename, "filename")
        return path.graph.add(ReadFile(), (path,), scope).outputs[0]


def write_file(filename: PathLike | bytes | Tensor, contents: str | bytes | Tensor, name: str | None = None) -> Node:
    """Write a file in each run, on the host. An existing file is replaced; no partial file is ever left.

    Args:
        filename: A path, or a string tensor.
        contents: The text or bytes to write, or a string tensor.
        name: Name scope of the nodes.

    Returns:
        The operation.

    Raises:
        DTypeError: `filename` or `contents` is a tensor but not a string.

    Example:
        >>> tf.Session().run(tf.write_file("greeting.txt", "hello"))
        >>> open("greeting.txt").read()
        'hello'
    """
    with composed(name, "WriteFile", filename, contents) as scope:
        path, text = _as_text(filename, "filename"), _as_text(contents, "contents")
        return path.graph.add(WriteFile(), (path, text), scope)


def _decode(contents: Any, channels: int | None, kind: str, name: str | None, default: str) -> Tensor:
    count = channels or 0
    if count not in (0, 1, 3, 4):
        raise ValueError(f"channels must be 0, 1, 3 or 4, not {channels}")
    with composed(name, default, contents) as scope:
        text = _as_text(contents, "contents")
        return text.graph.add(DecodeImage(count, kind), (text,), scope).outputs[0]


def decode_jpeg(
    contents: bytes | Tensor, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
    try_recover_truncated: bool = False, acceptable_fraction: float = 1, dct_method: str = "",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Decode a JPEG file, on the host with Pillow. Pixels may differ by a few steps from those of other decoders.

    Args:
        contents: The bytes of the file, or a string tensor.
        channels: The number of channels: 0 for that of the file, 1 for grey, 3 for RGB, 4 for RGBA.
        ratio: Must be 1.
        fancy_upscaling: No effect: there is one decoder.
        try_recover_truncated: Must be False.
        acceptable_fraction: Must be 1.
        dct_method: No effect: there is one decoder.
        name: Name scope of the nodes.

    Returns:
        A uint8 tensor [H, W, channels]. A run in which the file is not an image fails with InvalidArgumentError.

    Raises:
        ValueError: An argument is not supported.

    Example:
        >>> file = tf.image.encode_jpeg(np.zeros([2, 3, 3], np.uint8))
        >>> tf.Session().run(tf.image.decode_jpeg(file)).shape
        (2, 3, 3)
    """
    if ratio != 1 or acceptable_fraction != 1:
        raise ValueError("tf.image.decode_jpeg: only ratio=1 and acceptable_fraction=1 are supported")
    refuse("tf.image.decode_jpeg", try_recover_truncated=try_recover_truncated)
    return _decode(contents, channels, "JPEG", name, "DecodeJpeg")


def decode_png(
    contents: bytes | Tensor, channels: int = 0, dtype: DTypeLike = uint8, name: str | None = None
) -> Tensor:
    """Decode a PNG file of 8 bits per channel, on the host with Pillow.

    Args:
        contents: The bytes of the file, or a string tensor.
        channels: The number of channels: 0 for that of the file, 1 for grey, 3 for RGB, 4 for RGBA.
        dtype: Must be uint8.
        name: Name scope of the nodes.

    Returns:
        A uint8 tensor [H, W, channels]. A run in which the file is not an image fails with InvalidArgumentError.

    Raises:
        ValueError: `channels` or `dtype` is not supported.

    Example:
        >>> file = tf.image.encode_png(np.array([[[1], [2]]], np.uint8))
        >>> tf.Session().run(tf.image.decode_png(file))[0, :, 0]
        array([1, 2], dtype=uint8)
    """
    if as_dtype(dtype) is not uint8:
        raise ValueError(f"decode_png: only uint8 is supported, not {as_dtype(dtype).name}")
    return _decode(contents, channels, "PNG", name, "DecodePng")


def decode_image(
    contents: bytes | Tensor, channels: int | None = None, dtype: DTypeLike = uint8, name: str | None = None,
    expand_animations: bool = False,
) -> Tensor:  # fmt: skip
    """Decode a BMP, GIF, JPEG (2000), PNG, PPM, TIFF or WebP file on the host. The first of several pictures is read.

    Args:
        contents: The bytes of the file, or a string tensor.
        channels: The number of channels: None or 0 for that of the file, 1 for grey, 3 for RGB, 4 for RGBA.
        dtype: The dtype of the result. Numbers are scaled as `tf.image.convert_image_dtype` does.
        name: Name scope of the nodes.
        expand_animations: Not supported; it must be False.

    Returns:
        A tensor [H, W, channels] of dtype `dtype`. A run in which the file is not an image fails with
        InvalidArgumentError.

    Raises:
        ValueError: `channels` or `expand_animations` is not supported.

    Example:
        >>> file = tf.image.encode_png(np.array([[[0], [255]]], np.uint8))
        >>> tf.Session().run(tf.image.decode_image(file, dtype=tf.float32))[0, :, 0]
        array([0., 1.], dtype=float32)
    """
    refuse("tf.image.decode_image", expand_animations=expand_animations)
    pixels = _decode(contents, channels, "", name, "decode_image")
    return pixels if as_dtype(dtype) is uint8 else convert_image_dtype(pixels, dtype)


def encode_jpeg(
    image: TensorLike, format: str = "", quality: int = 95, progressive: bool = False, optimize_size: bool = False,
    chroma_downsampling: bool = True, density_unit: str = "in", x_density: int = 300, y_density: int = 300,
    xmp_metadata: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Encode an image as a JPEG file, on the host with Pillow.

    Args:
        image: A uint8 tensor [H, W, C] with C = 1 or 3.
        format: "grayscale" for C = 1, "rgb" for C = 3, "" for either.
        quality: The quality, 1 to 100.
        progressive, optimize_size, chroma_downsampling, density_unit, x_density, y_density, xmp_metadata: Only the
            defaults are supported.
        name: Name scope of the nodes.

    Returns:
        A string scalar: the bytes of the file.

    Raises:
        DTypeError: `image` is not uint8.
        ShapeError: `image` does not have three axes, or C is not that of `format`.
        ValueError: `format` is unknown, or an argument is not supported.

    Example:
        >>> tf.Session().run(tf.image.encode_jpeg(np.zeros([2, 3, 3], np.uint8)))[6:10]
        b'JFIF'
    """
    channels = {"": None, "grayscale": 1, "rgb": 3}
    if format not in channels:
        raise ValueError(f"tf.image.encode_jpeg: format must be '', 'grayscale' or 'rgb', not {format!r}")
    refuse(
        "tf.image.encode_jpeg", progressive=progressive, optimize_size=optimize_size, xmp_metadata=xmp_metadata,
        density_unit=None if density_unit == "in" else density_unit,
        x_density=None if x_density == 300 else x_density, y_density=None if y_density == 300 else y_density,
    )  # fmt: skip
    if not chroma_downsampling:
        raise ValueError("tf.image.encode_jpeg: chroma_downsampling=False is not supported")
    pixels, wanted = convert_to_tensor(image), channels[format]
    if wanted is not None and pixels.type.shape is not None and pixels.type.shape[-1] not in (None, wanted):
        raise ShapeError(f"format {format!r} needs {wanted} channels, not shape {format_shape(pixels.type.shape)}")
    return _encode(EncodeImage("JPEG", int(quality)), pixels, name, "EncodeJpeg")


def encode_png(image: TensorLike, compression: int = -1, name: str | None = None) -> Tensor:
    """Encode an image as a PNG file, on the host with Pillow.

    Args:
        image: A uint8 tensor [H, W, C] with C = 1, 3 or 4.
        compression: 0 for none to 9 for the smallest file; −1 for the default.
        name: Name scope of the nodes.

    Returns:
        A string scalar: the bytes of the file.

    Raises:
        DTypeError: `image` is not uint8.
        ShapeError: `image` does not have three axes.
        ValueError: `compression` is out of range.

    Example:
        >>> tf.Session().run(tf.image.encode_png(np.zeros([2, 3, 3], np.uint8)))[1:4]
        b'PNG'
    """
    if compression not in range(-1, 10):
        raise ValueError(f"tf.image.encode_png: compression must be -1 to 9, not {compression}")
    return _encode(EncodeImage("PNG", compression=int(compression)), image, name, "EncodePng")


def _encode(op: EncodeImage, image: Any, name: str | None, default: str) -> Tensor:
    with composed(name, default, image) as scope:
        pixels = convert_to_tensor(image)
        return pixels.graph.add(op, (pixels,), scope).outputs[0]
