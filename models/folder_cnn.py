"""A small network for folders of pictures, one a class, written for three classes: 9,024,131 parameters."""

from __future__ import annotations

import minigraph as tf
from minigraph.models.layers import conv, dense, dropout, finish, flatten, max_pool, scaled
from minigraph.models.record import EndPoints, Model, Preprocessing


def folder_cnn(
    images: tf.Tensor, num_classes: int = 3, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.5, reuse: bool | None = None, scope: str = "folder_cnn",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Three 3x3 convolutions, each with ReLU and max-pooling, then three full connections with dropout between.

    images: float32 [N,64,64,3], 0 to 1, or of another size that is known and at least 8. Returns logits
    [N, num_classes] and the end points; fc2 is [N,512].
    """
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = images
        for i, maps in enumerate((64, 128, 256), 1):
            x = ends[f"conv{i}"] = conv(x, scaled(maps, width), 3, name=f"conv{i}")
            x = ends[f"pool{i}"] = max_pool(x, 2, 2, name=f"pool{i}")
        x = flatten(x)
        for name in ("fc1", "fc2"):
            x = ends[name] = dense(x, scaled(512, width), name=name)
            x = dropout(x, dropout_keep_prob, is_training, name.replace("fc", "drop"))
        return finish(dense(x, num_classes, None, "fc3"), ends)


MODEL = Model(
    name="folder-cnn",
    summary="Folders of pictures: three 3x3 convolutions, three full connections, dropout",
    family="folder-cnn",
    build=folder_cnn,
    image_size=64,
    classes=3,
    bottleneck="fc2",
    preprocessing=Preprocessing("RGB", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
)
