"""The table of figures. To add one, write the function that draws it and add a line to FIGURES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from minigraph.tools.textbook.figures import convolution, filtering, networks, pooling


class Drawing(NamedTuple):
    """A figure. name: of its file, without suffix. rows: the chapter's rows that it shows, see docs/chapter.md.

    draw: returns a matplotlib Figure.
    """

    name: str
    rows: str
    title: str
    caption: str
    draw: Callable[[], Any]


FIGURES: tuple[Drawing, ...] = (
    Drawing(
        "impulses",
        "F3-6/7, C-LSI",
        "A signal is a sum of impulses",
        "A linear, shift-invariant system answers each impulse with its impulse response, moved and scaled. The "
        "answer to the whole signal is the sum of these: that sum is convolution.",
        convolution.impulses,
    ),
    Drawing(
        "convolution-1d",
        "F3-3",
        "Convolution in one dimension",
        "The response h = 3, 2, 1, flipped, slides along the signal x = 1, 2, 2. Zeros stand where there is no signal.",
        convolution.steps_1d,
    ),
    Drawing(
        "convolution-2d",
        "F3-8/9",
        "Full convolution in two dimensions",
        "The kernel is turned by half a turn and laid over the image at each place where the two overlap; each output "
        "is the sum of the products.",
        convolution.steps_2d,
    ),
    Drawing(
        "convolution-same",
        "L3-1, F3-10/11",
        "An output of the image's size",
        "With zeros around a 7×7 image, a 3×3 kernel fits at 49 places. At the borders the zeros show in the result.",
        convolution.same_size,
    ),
    Drawing(
        "filters",
        "L3-2 to L3-5, T3-1",
        "Filters and noise",
        "Mean and Wiener filters lessen Gaussian noise, the median removes salt and pepper. Gradient and Sobel show "
        "edges, Canny thins them to lines; the high-pass is the image less its blur (grey is 0); sharpening adds it.",
        filtering.outputs,
    ),
    Drawing(
        "padding",
        "EQ-outlen, C-pad",
        "Padding and the length of the output",
        "Each bar is one window, so there is one output to a bar. SAME adds zeros (orange), an odd one at the end; "
        "VALID leaves out elements that no window reaches (grey).",
        pooling.padding,
    ),
    Drawing(
        "shared-weights",
        "EQ-share",
        "Shared weights",
        "The weights of a full connection grow with the fourth power of the map's side. A filter has the same few "
        "weights for a map of any size.",
        networks.weights,
    ),
    Drawing(
        "equivariance",
        "EQ-equiv, F3-24/25",
        "Convolution follows translation",
        "To move an image and then to convolve it gives the same as the other order, but at the borders, where zeros "
        "came in.",
        networks.equivariance,
    ),
    Drawing(
        "pooling-invariance",
        "F3-26",
        "Max pooling hides small shifts only",
        "A shift that stays within the windows does not change the result; the next one does.",
        pooling.invariance,
    ),
    Drawing(
        "pooling-gradients",
        "F3-22, F3-23",
        "Gradients of pooling",
        "Max pooling sends the whole gradient to the maximum (the first one, where there are more: the green window); "
        "average pooling sends a quarter to each element.",
        pooling.gradients,
    ),
    Drawing(
        "sigmoid",
        "F3-29",
        "The sigmoid saturates",
        "Away from 0 the derivative vanishes, and with it the gradient of all that lies before.",
        networks.saturation,
    ),
    Drawing(
        "thinned-networks",
        "EQ-dropout, F3-27",
        "The thinned networks of dropout",
        "Of N = 3 units, each is kept with probability p: 2³ = 8 networks, which share their weights.",
        networks.thinned,
    ),
)
