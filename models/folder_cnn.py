"""A convolutional network for folders of photographs, written as a TensorFlow 1 program: 9,024,131 parameters."""

from __future__ import annotations

from types import MappingProxyType

import minigraph as tf
from minigraph.models.layers import conv, dense, dropout, finish, flatten, max_pool, scaled
from minigraph.models.record import EndPoints, Model, Preprocessing, Recipe


def folder_cnn(
    images: tf.Tensor, num_classes: int = 3, is_training: bool = False, width: float = 1.0,
    dropout_keep_prob: float | tf.Tensor = 0.5, reuse: bool | None = None, scope: str = "folder_cnn",
) -> tuple[tf.Tensor, EndPoints]:  # fmt: skip
    """Three 3x3 convolutions of 64, 128 and 256 maps with max-pooling, then two dense layers of 512 units with dropout.

    images: float32 [N,64,64,3], 0 to 1, or another size. Returns logits, float32 [N, num_classes], and the end points.
    ✗ The textbook's program casts its images back to integers after it divides them by 255, so that they are black, and
    indexes its batches by the number of the epoch: it learns only the class frequencies.
    """
    ends: EndPoints = {}
    with tf.variable_scope(scope, reuse=reuse):
        x = images
        for number, maps in enumerate((64, 128, 256), 1):
            x = ends[f"conv{number}"] = conv(x, scaled(maps, width), 3, name=f"conv{number}")
            x = ends[f"pool{number}"] = max_pool(x, 2, 2, "SAME", name=f"pool{number}")
        x = flatten(x)
        for number in (1, 2):
            x = ends[f"fc{number}"] = dense(x, scaled(512, width), name=f"fc{number}")
            x = dropout(x, dropout_keep_prob, is_training, f"drop{number}")
        return finish(dense(x, num_classes, None, name="fc3"), ends)


MODEL = Model(
    name="folder-cnn",
    summary="Photographs in folders: three 3x3 convolutions, three full connections, dropout",
    family="folder-cnn",
    build=folder_cnn,
    image_size=64,
    classes=3,
    bottleneck="fc2",
    preprocessing=Preprocessing("RGB", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    recipe=Recipe(
        dataset="folder",
        image_shape=(64, 64, 3),
        batch_size=25,
        learning_rate=0.001,
        keep_prob=0.5,
        stddev=None,
        epochs=MappingProxyType({}),
        other_epochs=30,
    ),
)
