"""Networks as functions on TensorFlow 1 style tensors, and their table.

    import minigraph as tf
    import minigraph.models as models

    images = tf.placeholder(tf.float32, [None, 227, 227, 3])
    logits, end_points = models.squeezenet(images)

Each takes images [N, size, size, channels], `num_classes`, `is_training`, `width` (a factor of the numbers of maps and
units), and most a `scope` and `reuse`; it returns the logits and an ordinary dict of the end points by name.
`MODELS` has what is known of each: image size, preprocessing, the end point for transfer learning, weight files.
"""

from minigraph.models.classifier import Classifier, classifier
from minigraph.models.mnist_cnn import mnist_cnn
from minigraph.models.record import Model, Preprocessing, Recipe, Stored
from minigraph.models.registry import MODELS, NoRecipeError, UnknownModelError, get_model, get_recipe
from minigraph.models.squeezenet import squeezenet

__all__ = [
    "MODELS",
    "Classifier",
    "Model",
    "NoRecipeError",
    "Preprocessing",
    "Recipe",
    "Stored",
    "UnknownModelError",
    "classifier",
    "get_model",
    "get_recipe",
    "mnist_cnn",
    "squeezenet",
]
