"""The table of figures. To add one, write the function that draws it and add a line to FIGURES."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from minigraph.tools.textbook.figures import (
    architectures,
    blocks,
    convolution,
    filtering,
    networks,
    pooling,
    receptive,
    signals,
    translation,
)


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
        "sampling",
        "F3-4",
        "Sampling and quantisation",
        "A digital signal holds values of whole levels at whole instants; an image, levels of grey at the places of a "
        "grid. Fewer samples lose detail, fewer levels make bands.",
        signals.sampling,
    ),
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
        "kernels",
        "F3-12, F3-15, F3-16, F3-17, F3-19",
        "Kernels as pictures",
        "Red is above 0, blue below. Kernels that smooth sum to 1 and keep the level of grey; kernels that find edges "
        "sum to 0 and leave nothing of a flat area.",
        signals.kernels,
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
        "gradients",
        "EQ-grad, F3-16, F3-18",
        "Gradients by direction",
        "Differences along the columns answer to upright edges, those along the rows to level ones: red where it gets "
        "lighter, blue where it gets darker. The magnitude shows both. Sobel smooths across its direction.",
        signals.gradients,
    ),
    Drawing(
        "cnn-flow",
        "F3-20",
        "From image to classes",
        "Convolutions and poolings make maps that are smaller and more; full connections turn the last ones into a "
        "score for each class, and softmax into probabilities.",
        partial(architectures.architecture, "mnist-cnn"),
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
        "forward-and-back",
        "EQ-convfwd, EQ-convbackprop, F3-21",
        "A convolution, forward and back",
        "The map A has 3×3 elements, the kernel W 2×2: four outputs. Backward, each weight collects δ = ∂L/∂S of all "
        "outputs, times the element of A that it met there. minigraph derive conv2d --steps shows each line.",
        convolution.forward_and_back,
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
        "EQ-equiv, F3-24",
        "Convolution follows translation",
        "Above, the digit stays inside the image: to move it and then to convolve gives the same as the other order. "
        "Below, the border cuts it: the orders differ where zeros came in.",
        translation.equivariance,
    ),
    Drawing(
        "block-sums",
        "F3-25",
        "The sum of a block, before and after a shift",
        "The 3×3 block A sums to 514, and the sum moves along with it. At the border zeros take part: 183 is the sum "
        "of the four elements that remain.",
        translation.block_sums,
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
    Drawing(
        "receptive-fields",
        "VGG16",
        "Receptive fields of small kernels",
        "The inputs on which an output depends, by the gradient. Convolutions in a row see more, with fewer weights "
        "than one large kernel.",
        receptive.growth,
    ),
    Drawing(
        "receptive-fields-vgg16",
        "VGG16",
        "Receptive fields in VGG16",
        "Each convolution adds to the field, more after each pooling, because its inputs lie further apart.",
        receptive.fields,
    ),
    Drawing(
        "lenet5",
        "F3-30, LeNet-5",
        "LeNet-5",
        "The network of 1998: trainable sub-sampling, and units that measure the distance from the code of each "
        "class. 60,000 trainable parameters.",
        partial(architectures.architecture, "lenet5"),
    ),
    Drawing(
        "alexnet",
        "F3-31, AlexNet",
        "AlexNet",
        "Images of 227×227, overlapping pooling, local response normalisation, and convolutions in two groups.",
        partial(architectures.architecture, "alexnet"),
    ),
    Drawing(
        "vgg16",
        "F3-32, VGG16",
        "VGG16",
        "Only 3×3 convolutions, in five blocks that each end in a pooling, and three full connections: 4096, 4096, "
        "1000.",
        partial(architectures.architecture, "vgg16"),
    ),
    Drawing(
        "resnet50",
        "F3-33, ResNet",
        "ResNet-50",
        "Sixteen residual units in four groups; the first unit of the later groups halves the maps, and a single full "
        "connection follows.",
        partial(architectures.architecture, "resnet50"),
    ),
    Drawing(
        "inception-v3",
        "F3-34, Inception v3",
        "Inception v3",
        "Modules of parallel convolutions, in three groups for maps of 35×35, 17×17 and 8×8, and a bottleneck of 2048.",
        partial(architectures.architecture, "inception-v3"),
    ),
    Drawing(
        "residual-unit",
        "F3-33, ResNet",
        "Residual units",
        "The input is added to the result of two convolutions, so the unit learns the difference. Where the size "
        "changes, a 1×1 convolution fits the input.",
        blocks.residual,
    ),
    Drawing(
        "inception-module",
        "F3-34, Inception v3",
        "An Inception module",
        "Branches with windows of different sizes side by side; 1×1 convolutions first reduce the maps, so that the "
        "larger windows cost less.",
        blocks.inception,
    ),
)
