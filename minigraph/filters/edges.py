"""Gradients of images and Canny's edge detector."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.filters.kernels import CENTRAL, SMOOTHING, Kernel
from minigraph.filters.smoothing import Border, as_images, convolve_in_turn, gaussian
from minigraph.ops.filling import ones_like
from minigraph.ops.image.edges import hysteresis, non_maximum_suppression
from minigraph.ops.math.exponential import sqrt

__all__ = ["canny", "gradient", "sobel", "sobel_x", "sobel_y"]


def gradient(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Compute √(Gx² + Gy²) of the central differences x(n+1) − x(n−1), which are twice the slope per pixel.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.gradient(ramp))[0, 2, 2, 0].item()
        2.0
    """
    return _magnitude(images, [CENTRAL], [CENTRAL.T], border, name or "gradient")


def sobel_x(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Convolve images with SOBEL_X: eight times the slope, positive where it becomes brighter to the right.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.sobel_x(ramp))[0, 2, 2, 0].item()
        8.0

    Source: Sobel and Feldman, "A 3×3 isotropic gradient operator for image processing", 1968.
    """
    return convolve_in_turn(images, [SMOOTHING.T, CENTRAL], border, name or "sobel_x")


def sobel_y(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Convolve images with SOBEL_Y: eight times the slope, positive where it becomes brighter downwards.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.sobel_y(ramp))[0, 2, 2, 0].item()
        0.0

    Source: Sobel and Feldman, "A 3×3 isotropic gradient operator for image processing", 1968.
    """
    return convolve_in_turn(images, [SMOOTHING, CENTRAL.T], border, name or "sobel_y")


def sobel(images: TensorLike, border: Border = "symmetric", name: str | None = None) -> Tensor:
    """Compute √(Gx² + Gy²) of `sobel_x` and `sobel_y`.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
        name: Name scope of the nodes.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> ramp = tf.tile(tf.reshape(tf.range(5.0), [1, 1, 5, 1]), [1, 5, 1, 1])
        >>> tf.Session().run(tf.filters.sobel(ramp))[0, 2, 2, 0].item()
        8.0
    """
    return _magnitude(images, [SMOOTHING.T, CENTRAL], [SMOOTHING, CENTRAL.T], border, name or "sobel")


def canny(
    images: TensorLike, sigma: float = 1.0, low: float = 25.5, high: float = 51.0, border: Border = "symmetric",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Find edges. Not linear.

    The images are blurred by `gaussian(sigma)`. Of the magnitude of their Sobel gradient, only maxima along the
    gradient remain. Of these, edges are those of at least `low` that are connected to one of at least `high`.

    Args:
        images: Floating-point images [N,H,W,C], with C known.
        sigma: Standard deviation of the blur in pixels, positive.
        low, high: Thresholds in units of the Sobel magnitude. The defaults are for images from 0 to 255.
        border: What lies outside an image: "zero"; "symmetric", its mirror image with the edge pixels; or "reflect",
            its mirror image without them.
            With "zero" the blur is divided by that of an image of ones.
        name: Name scope of the nodes.

    Returns:
        bool [N,H,W,C], true on edges.

    Raises:
        ValueError: `low` is negative or above `high`, `sigma` is not positive, or `border` is unknown.
        DTypeError: The images are not floating-point.
        ShapeError: The rank is not 4, C is unknown, or the kernel is larger than the images.

    Example:
        >>> image = np.zeros([1, 9, 9, 1], np.float32)
        >>> image[:, :, 5:] = 255
        >>> tf.Session().run(tf.filters.canny(image))[0, 4, :, 0].astype(int).tolist()
        [0, 0, 0, 0, 1, 1, 0, 0, 0]

    Source: Canny, "A computational approach to edge detection", 1986.
    """
    if high < low or not low >= 0:
        raise ValueError(f"canny needs 0 <= low <= high, got low {low} and high {high}")
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name or "canny"):
        smooth = gaussian(x, sigma, border=border)
        if border == "zero":
            smooth = smooth / gaussian(ones_like(x), sigma, border=border)
        down, right = sobel_y(smooth), sobel_x(smooth)
        thin = non_maximum_suppression(sqrt(down * down + right * right), down, right)
        return hysteresis((thin > 0.0) & (thin >= low), (thin > 0.0) & (thin >= high))


def _magnitude(images: Any, across: list[Kernel], down: list[Kernel], border: Border, name: str) -> Tensor:
    x = as_images(images)
    with x.graph.as_default(), x.graph.name_scope(name):
        gx, gy = (convolve_in_turn(x, kernels, border, "stages") for kernels in (across, down))
        return sqrt(gx * gx + gy * gy)
