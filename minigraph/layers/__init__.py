"""Layers that make their own variables, under the names of TensorFlow 1's `tf.layers`.

Each layer is a function (`conv2d`), and a class (`Conv2D`) whose objects can be called several times with the same
variables.
"""

from minigraph.layers.classes import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    SeparableConv2D,
)
from minigraph.layers.functions import (
    average_pooling2d,
    batch_normalization,
    conv2d,
    dense,
    dropout,
    flatten,
    max_pooling2d,
)
from minigraph.layers.other_ranks import (
    average_pooling1d,
    average_pooling3d,
    conv1d,
    conv2d_transpose,
    conv3d,
    max_pooling1d,
    max_pooling3d,
    separable_conv2d,
)

Convolution2D = Conv2D
Deconvolution2D = Conv2DTranspose

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization", "Conv1D", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Convolution2D", "Deconvolution2D", "Dense", "Dropout", "Flatten", "Layer",
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "SeparableConv2D", "average_pooling1d", "average_pooling2d",
    "average_pooling3d", "batch_normalization", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "dense", "dropout",
    "flatten", "max_pooling1d", "max_pooling2d", "max_pooling3d", "separable_conv2d",
]  # fmt: skip
