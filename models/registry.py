"""The table of networks."""

from __future__ import annotations

from minigraph.core.errors import UnknownNameError
from minigraph.models.alexnet import MODEL as ALEXNET
from minigraph.models.efficientnet_lite import MODEL as EFFICIENTNET_LITE0
from minigraph.models.folder_cnn import MODEL as FOLDER_CNN
from minigraph.models.googlenet import MODEL as GOOGLENET
from minigraph.models.inception_v3 import MODEL as INCEPTION_V3
from minigraph.models.lenet import MODELS as LENETS
from minigraph.models.mnist_cnn import MODEL as MNIST_CNN
from minigraph.models.mobilenet import MODEL as MOBILENET
from minigraph.models.record import Model, Recipe
from minigraph.models.resnet import MODELS as RESNETS
from minigraph.models.resnet import SMALL as RESNET20
from minigraph.models.squeezenet import MODEL as SQUEEZENET
from minigraph.models.vgg import MODELS as VGGS
from minigraph.models.vgg import SMALL as VGG_SMALL


class UnknownModelError(UnknownNameError, KeyError):
    """There is no model of this name."""

    __str__ = Exception.__str__  # KeyError's shows the repr


class NoRecipeError(UnknownNameError, ValueError):
    """There are no settings to train the model with."""


MODELS: tuple[Model, ...] = (
    MNIST_CNN,
    FOLDER_CNN,
    *LENETS,
    VGG_SMALL,
    RESNET20,
    MOBILENET,
    ALEXNET,
    *VGGS,
    GOOGLENET,
    *RESNETS,
    INCEPTION_V3,
    SQUEEZENET,
    EFFICIENTNET_LITE0,
)


def get_model(name: str) -> Model:
    """Find a model by its name.

    Args:
        name: The name, such as "resnet50".

    Returns:
        The record of the model.

    Raises:
        UnknownModelError: There is no such model. The message lists similar names.

    Example:
        >>> from minigraph import models
        >>> models.get_model("resnet50").bottleneck
        'pool5'
    """
    from difflib import get_close_matches

    if (model := find_model(name)) is not None:
        return model
    known = [model.name for model in MODELS]
    close = get_close_matches(_plain(name), known, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known models: {', '.join(sorted(known))}"
    raise UnknownModelError(f"unknown model {name!r}; {hint}")


def find_model(name: str) -> Model | None:
    """The model of a name, whose words may be joined by hyphens or underscores; None if there is none."""
    return next((model for model in MODELS if model.name == _plain(name)), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def get_recipe(model: Model) -> Recipe:
    """Find the settings to train a model with.

    Args:
        model: The model.

    Returns:
        The settings.

    Raises:
        NoRecipeError: There are none. The message lists the models that have some.

    Example:
        >>> from minigraph import models
        >>> models.get_recipe(models.get_model("folder-cnn")).learning_rate
        0.001
    """
    if model.recipe is None:
        trainable = ", ".join(m.name for m in MODELS if m.recipe is not None)
        raise NoRecipeError(f"{model.name} has no recipe for training from scratch; models with one: {trainable}")
    return model.recipe
