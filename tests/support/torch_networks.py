"""SqueezeNet 1.1 and EfficientNet-Lite0 in PyTorch, straight from the weight files, with no part of minigraph."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np


def squeezenet(path: Path, images: np.ndarray) -> np.ndarray:
    """Logits [N,1000] of images [N,227,227,3], preprocessed, by the weights of Keras's file."""
    import h5py
    import torch
    from torch.nn import functional as F

    with h5py.File(path) as file:

        def conv(x: Any, name: str, stride: int = 1, padding: int = 0) -> Any:
            kernel, bias = (torch.from_numpy(file[name][f"{name}_{kind}:0"][()]) for kind in "Wb")
            return F.relu(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, stride, padding))

        x = conv(torch.from_numpy(images).permute(0, 3, 1, 2), "conv1", 2)
        for number in range(2, 10):
            if number in (2, 4, 6):
                x = F.max_pool2d(x, 3, 2)
            fire = f"fire{number}"
            x = conv(x, f"{fire}/squeeze1x1")
            x = torch.cat([conv(x, f"{fire}/expand1x1"), conv(x, f"{fire}/expand3x3", padding=1)], 1)
        return conv(x, "conv10").mean((2, 3)).numpy()


def efficientnet_lite0(path: Path, images: np.ndarray) -> np.ndarray:
    """Logits [N,1000] of images [N,224,224,3], preprocessed. Convolutions of stride 2 pad as TensorFlow's SAME."""
    import torch
    from torch.nn import functional as F

    weights = torch.load(path, weights_only=True)

    def conv(x: Any, name: str, norm: str, stride: int = 1, linear: bool = False) -> Any:
        kernel = weights[f"{name}.weight"]
        size, groups = kernel.shape[2], x.shape[1] // kernel.shape[1]
        total = max((math.ceil(x.shape[2] / stride) - 1) * stride + size - x.shape[2], 0)
        x = F.conv2d(F.pad(x, [total // 2, total - total // 2] * 2), kernel, None, stride, 0, 1, groups)
        mean, variance, gamma, beta = (
            weights[f"{norm}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.batch_norm(x, mean, variance, gamma, beta, eps=1e-3)
        return x if linear else F.relu6(x)

    x = conv(torch.from_numpy(images).permute(0, 3, 1, 2), "_conv_stem", "_bn0", 2)
    for number in range(16):
        block, before = f"_blocks.{number}.", x
        stride = 2 if number in (1, 3, 5, 11) else 1
        if number:
            x = conv(x, f"{block}_expand_conv", f"{block}_bn0")
        x = conv(x, f"{block}_depthwise_conv", f"{block}_bn1", stride)
        x = conv(x, f"{block}_project_conv", f"{block}_bn2", linear=True)
        x = x + before if x.shape == before.shape else x
    x = conv(x, "_conv_head", "_bn1").mean((2, 3))
    return F.linear(x, weights["_fc.weight"], weights["_fc.bias"]).numpy()
