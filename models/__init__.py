"""Networks as functions on TensorFlow 1 style tensors, and their table.

    import minigraph as tf
    import minigraph.models as models

    images = tf.placeholder(tf.float32, [None, 227, 227, 3])
    logits, end_points = models.squeezenet(images)

Each function takes images [N, size, size, channels], `num_classes`, `is_training` and `width` (a factor of the numbers
of maps and units), and most take a `scope` and `reuse`. It returns the logits, float32 [N, num_classes], and the end
points: a dict of tensors by name, in the network's order, with "logits" and "predictions" (softmax) last. `MODELS`
holds the records of all networks: image size, preprocessing, end point for transfer learning, weight files.
Networks are built by the interface; nothing here knows a command.
"""

from minigraph.models.alexnet import alexnet
from minigraph.models.classifier import Classifier, classifier
from minigraph.models.efficientnet_lite import efficientnet_lite0
from minigraph.models.folder_cnn import folder_cnn
from minigraph.models.googlenet import googlenet
from minigraph.models.inception_v3 import inception_v3
from minigraph.models.lenet import lenet5, lenet5_modern
from minigraph.models.mnist_cnn import mnist_cnn
from minigraph.models.mobilenet import mobilenet
from minigraph.models.record import Model, Preprocessing, Recipe, Stored
from minigraph.models.registry import MODELS, NoRecipeError, UnknownModelError, get_model, get_recipe
from minigraph.models.resnet import resnet18, resnet20, resnet34, resnet50, resnet101, resnet152
from minigraph.models.squeezenet import squeezenet
from minigraph.models.vgg import vgg16, vgg19, vgg_small

__all__ = [
    "MODELS",
    "Classifier",
    "Model",
    "NoRecipeError",
    "Preprocessing",
    "Recipe",
    "Stored",
    "UnknownModelError",
    "alexnet",
    "classifier",
    "efficientnet_lite0",
    "folder_cnn",
    "get_model",
    "get_recipe",
    "googlenet",
    "inception_v3",
    "lenet5",
    "lenet5_modern",
    "mnist_cnn",
    "mobilenet",
    "resnet18",
    "resnet20",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "squeezenet",
    "vgg16",
    "vgg19",
    "vgg_small",
]
