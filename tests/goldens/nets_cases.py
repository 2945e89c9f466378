"""TF-slim's networks on small images, with weights by rule. Runs under TensorFlow 1.15.5 and minigraph (see `cases.py`)."""

# ruff: noqa: UP006, UP035  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import hashlib
from typing import Any, Dict, Tuple

import numpy as np

RUN = (
    "inception_v2_half",
    "inception_resnet_v2",
    "mobilenet_v1_quarter",
    "resnet_v1_50_dense",
    "resnet_v2_50",
)  # quick
# module, function, arg scope, side of the images, arguments
CASES: Dict[str, Tuple[str, str, str, int, Dict[str, Any]]] = {
    "inception_v1": ("inception", "inception_v1", "inception_v1_arg_scope", 224, {}),
    "inception_v2": ("inception", "inception_v2", "inception_v2_arg_scope", 64, {}),
    "inception_v2_half": ("inception", "inception_v2", "inception_v2_arg_scope", 64, {"depth_multiplier": 0.5}),
    "inception_v3": ("inception", "inception_v3", "inception_v3_arg_scope", 139, {}),
    "inception_v4": ("inception_v4", "inception_v4", "inception_v4_arg_scope", 139, {}),
    "inception_resnet_v2": (
        "inception_resnet_v2", "inception_resnet_v2", "inception_resnet_v2_arg_scope", 139, {}),
    "mobilenet_v1": ("mobilenet_v1", "mobilenet_v1", "mobilenet_v1_arg_scope", 64, {}),
    "mobilenet_v1_quarter": ("mobilenet_v1", "mobilenet_v1", "mobilenet_v1_arg_scope", 64, {"depth_multiplier": 0.25}),
    "resnet_v1_50": ("resnet_v1", "resnet_v1_50", "resnet_arg_scope", 64, {}),
    "resnet_v1_50_dense": (
        "resnet_v1", "resnet_v1_50", "resnet_arg_scope", 65, {"global_pool": False, "output_stride": 8}),
    "resnet_v1_152": ("resnet_v1", "resnet_v1_152", "resnet_arg_scope", 64, {}),
    "resnet_v2_50": ("resnet_v2", "resnet_v2_50", "resnet_arg_scope", 64, {}),
    "resnet_v2_101": ("resnet_v2", "resnet_v2_101", "resnet_arg_scope", 64, {}),
}  # fmt: skip


def weight(index: int, name: str, shape: Any) -> Any:
    """The value of a variable by its number and name, of such a size that the signal neither grows nor fades."""
    noise = np.random.RandomState(index).standard_normal(shape).astype(np.float32)
    if name.endswith(("gamma", "moving_variance")):
        return 1.0 + 0.3 * np.abs(noise)
    if len(shape) < 2:
        return 0.1 * noise
    return noise * (2.0 / np.prod(shape[:2] if "depthwise" in name else shape[:-1])) ** np.float32(0.5)


def built(tf: Any, module: Any, name: str, run: bool) -> Dict[str, Any]:
    """The variables, end points and logits of a network."""
    _, function, scope, side, arguments = CASES[name]
    slim = tf.contrib.slim
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [1, side, side, 3])
        with slim.arg_scope(getattr(module, scope)()):
            logits, ends = getattr(module, function)(images, 11, is_training=False, **arguments)
        variables = [(v.op.name, v.get_shape().as_list()) for v in tf.global_variables()]
        lines = "\n".join("%s %s" % pair for pair in variables)
        found = {
            "variables": len(variables), "parameters": sum(int(np.prod(s)) for _, s in variables),
            "names": hashlib.sha256(lines.encode()).hexdigest(),
            "some": variables[::40],
            "losses": len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)),
            "ends": sorted([k, v.get_shape().as_list()] for k, v in ends.items()),
        }  # type: Any  # fmt: skip
        if run:
            with tf.Session() as session:
                starts = [v.initializer for v in tf.global_variables()]
                values = [weight(k, n, shape) for k, (n, shape) in enumerate(variables)]
                session.run(starts, dict(zip([s.inputs[1] for s in starts], values)))
                picture = np.sin(np.arange(side * side * 3) * 0.01).reshape(1, side, side, 3)
                value = session.run(logits, {images: picture})
            found["logits"] = ["%.5g" % x for x in np.ravel(value)[:11]]
        return found
