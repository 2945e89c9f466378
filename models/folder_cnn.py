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
    """Build a network for folders of photographs: three convolutions with max-pooling, three fully connected layers.

    The network has 9,024,131 parameters with three classes. End point for transfer learning: fc2 [N,512].

    It follows a textbook's program with two mistakes mended: that program casts its images to integers after a division
    by 255, so it sees black, and it takes batches by the number of the epoch. It learns no more than the classes'
    frequencies.

    Args:
        images: float32 [N,H,W,3], 0 to 1; the size is known, and 64 by design.
        num_classes: Number of classes.
        is_training: Whether dropout works as in training.
        width: A factor of the numbers of maps and units.
        dropout_keep_prob: The share of units that dropout keeps, a number or a float32 scalar tensor.
        reuse: True to use the variables of an earlier call; see `tf.variable_scope`.
        scope: Variable scope of the network.

    Returns:
        Logits, float32 [N, num_classes], and the end points: tensors by their names.

    Example:
        >>> from minigraph import models
        >>> images = tf.placeholder(tf.float32, [None, 64, 64, 3])
        >>> logits, end_points = models.folder_cnn(images, num_classes=10, width=0.25)
        >>> logits.shape.as_list()
        [None, 10]
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
    trainable=9_024_131,
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
