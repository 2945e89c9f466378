"""`minigraph show`: a page about a trained network: first filters, maps, saliency and Grad-CAM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file
from minigraph.tools.train_command import data_option

if TYPE_CHECKING:
    from minigraph.models.record import Model, Preprocessing
    from minigraph.tools.network_view import NetworkView, Seen

_TILES = 32  # maps of a layer, or filters, that are drawn


class Subject(NamedTuple):
    """A network to look at. shape: of an image as its placeholder takes it, flat for some networks."""

    view: NetworkView
    labels: Sequence[str]
    preprocessing: Preprocessing
    shape: tuple[int, ...]
    size: int
    crop: float | None

    @property
    def channels(self) -> str:
        """RGB, BGR or L: the order in which the network takes colours."""
        return self.preprocessing.channels

    def prepare(self, levels: Any) -> Any:
        """An image from 0 to 255, [size, size, channels], as the network takes it."""
        return self.preprocessing.apply(levels).reshape(self.shape)


class ShownImage(NamedTuple):
    """An image. pixels: to draw, from 0 to 1, [H, W] or [H, W, 3]; fed: as the network takes it."""

    title: str
    pixels: Any
    fed: Any


@contextmanager
def subject(target: str, checkpoint: Path | None, weights: Path | None, backend: str | None) -> Iterator[Subject]:
    """A bundle, or a model with the variables of a checkpoint of `minigraph train` or of a weight file."""
    import minigraph as tf
    from minigraph.models.bundle import SUFFIX, Predictor, load_bundle
    from minigraph.models.registry import get_model
    from minigraph.tools.network_view import NetworkView
    from minigraph.tools.shared.restoring import restore

    if target.endswith(SUFFIX):
        if checkpoint is not None or weights is not None:
            option = "--weights" if checkpoint is None else "--checkpoint"
            raise InvalidArgumentError(f"{target} has weights of its own; {option} is for models")
        bundle = load_bundle(target)
        predictor = Predictor(bundle, backend)
        shape = (bundle.image_size, bundle.image_size, len(bundle.preprocessing.channels))
        view = NetworkView(predictor.session, predictor.images, predictor.predictions, shape)
        yield Subject(view, bundle.labels, bundle.preprocessing, shape, bundle.image_size, bundle.crop)
        return
    model = get_model(target)
    if (checkpoint is None) is (weights is None):
        raise InvalidArgumentError(
            f"{model.name}: give --checkpoint, of `minigraph train`, or --weights, a file of them"
        )
    graph = tf.Graph()
    labels = _labels(model, checkpoint)
    with graph.as_default():
        taken = model.recipe.image_shape if model.recipe and checkpoint is not None else model.image_shape
        images = tf.placeholder(tf.float32, [None, *taken], name="images")
        _, ends = model.build(images, num_classes=len(labels), is_training=False)
    with tf.Session(graph=graph, backend=backend) as session:
        preprocessing = restore(session, model, checkpoint, weights)
        view = NetworkView(session, images, ends["predictions"], model.image_shape)
        yield Subject(view, labels, preprocessing, taken, model.image_size, None)


def _labels(model: Model, checkpoint: Path | None) -> Sequence[str]:
    """The names of the classes; those of a training run are in its checkpoint."""
    from minigraph.models.labels import class_names
    from minigraph.tools.shared.running import checkpoint_file, read_identity

    if checkpoint is None:
        return class_names(model)
    settings = read_identity(checkpoint_file(checkpoint), "minigraph train")
    return settings.get("classes") or [str(n) for n in range(model.classes)]


def pictures(target: str, seen: Subject, photos: Sequence[Path], source: str | None = None) -> list[ShownImage]:
    """The photographs; without any, the first test images of a data set, by default the one of the model's recipe."""
    from minigraph.tools.prediction import expand, pixels

    if not photos:
        return list(_test_images(target, seen, source))
    if source is not None:
        raise InvalidArgumentError("--data names test images and --image photographs; give one of the two")
    found = []
    for photo in expand(photos):
        levels = pixels(photo, seen.size, seen.crop, seen.channels)
        found.append(ShownImage(photo.name, _drawn(levels / 255, seen.size), seen.prepare(levels)))
    return found


def _test_images(target: str, seen: Subject, source: str | None) -> Iterator[ShownImage]:
    """The first two test images of a data set, drawn with the border that the network sees."""
    from dataclasses import replace

    from minigraph.models.bundle import SUFFIX
    from minigraph.models.record import Preprocessing
    from minigraph.models.registry import get_model
    from minigraph.tools.shared.data import FOLDER, fitted, load_data

    recipe = None if target.endswith(SUFFIX) else get_model(target).recipe
    if recipe is None or (source is None and recipe.dataset == FOLDER):
        raise InvalidArgumentError(f"{target}: name photographs with --image")
    data, colours = load_data(source or recipe.dataset), len(seen.channels)
    unscaled = Preprocessing("L" if colours == 1 else "RGB", (0.0,) * colours, (255.0,) * colours)
    fed, drawn = (
        fitted(data, replace(get_model(target), preprocessing=scaling), recipe.image_shape).test_images[:2]
        for scaling in (seen.preprocessing, unscaled)
    )
    for i, label in enumerate(data.test_labels[:2]):
        title = f"test image {i}, {data.classes[int(np.argmax(label))]}"
        yield ShownImage(title, _drawn(drawn[i], seen.size), fed[i].reshape(seen.shape))


def _drawn(pixels: Any, size: int) -> Any:
    """Pixels from 0 to 1 as [size, size], or [size, size, 3] for colours."""
    image = pixels.reshape(size, size, -1)
    return image[..., 0] if image.shape[2] == 1 else image


def filters_sheet(filters: Any, channels: str) -> Any:
    """The filters of a convolution; three inputs as colours, others by their first input, around mid-grey.

    channels: the order of the colours, RGB or BGR.
    """
    from minigraph.tools.textbook.figures.panels import Panel, draw_rows

    limit = float(np.abs(filters).max()) or 1.0
    shown = []
    for index in range(min(filters.shape[3], _TILES)):
        one = filters[..., index]
        scale = float(np.abs(one).max()) or 1.0
        if filters.shape[2] == 3:
            colours = one[..., ::-1] if channels == "BGR" else one
            shown.append(Panel(str(index), 0.5 + colours / (2 * scale)))
        else:
            shown.append(Panel(str(index), one[..., 0], "RdBu_r", (-limit, limit)))
    return draw_rows([shown[i : i + 8] for i in range(0, len(shown), 8)], 1.0, 0.22)


def maps_sheet(maps: Any) -> Any:
    """The maps of a layer, each from its least to its largest value."""
    from minigraph.tools.textbook.figures.panels import Panel, draw_rows

    shown = []
    for index in range(min(maps.shape[2], _TILES)):
        one = maps[..., index]
        shown.append(Panel(str(index), one, "viridis", (float(one.min()), float(one.max()) or 1.0)))
    return draw_rows([shown[i : i + 8] for i in range(0, len(shown), 8)], 1.0, 0.22)


def attention_sheet(picture: ShownImage, seen: Seen) -> Any:
    """The picture, its saliency, and Grad-CAM laid over it."""
    from matplotlib import colormaps
    from PIL import Image

    from minigraph.tools.textbook.figures.panels import Panel, draw_rows

    pixels = np.asarray(picture.pixels, float)
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    size = (pixels.shape[1], pixels.shape[0])
    top = float(seen.cam.max()) or 1.0
    cam = np.asarray(Image.fromarray((seen.cam / top).astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    heat = colormaps["inferno"](cam)[..., :3]
    laid = np.clip(0.45 * grey[..., None] + 0.75 * heat * (0.25 + 0.75 * cam[..., None]), 0, 1)
    ceiling = float(np.percentile(seen.saliency, 99)) or 1.0
    return draw_rows([[
        Panel("picture", pixels, "gray", (0, 1)),
        Panel("saliency: |∂score/∂pixel|", seen.saliency, "magma", (0, ceiling)),
        Panel(f"Grad-CAM of {seen.cam_layer}", laid),
    ]], 3.4)  # fmt: skip


@click.command()
@click.argument("target", metavar="MODEL|BUNDLE")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Checkpoint, or run folder, of `minigraph train`.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weight file of a pretrained network.")
@click.option(
    "--image", "photos", multiple=True, type=click.Path(path_type=Path), help="Photograph or folder; may be repeated."
)
@data_option
@click.option("--layer", "layers", multiple=True, help="Layer whose maps to show; may be repeated [default: four].")
@click.option("--class", "wanted", metavar="NAME", help="Class to explain [default: the likeliest].")
@click.option("--top", type=number(whole=True, least=1), default=3, show_default=True, help="Classes to list.")
@click.option("-o", "--out", type=output_file, help="HTML file [default: TARGET-show.html].")
@backend_option
@debug_option
def show(
    target: str,
    checkpoint: Path | None,
    weights: Path | None,
    photos: tuple[Path, ...],
    data: str | None,
    layers: tuple[str, ...],
    wanted: str | None,
    top: int,
    out: Path | None,
    backend: str | None,
) -> None:
    """Show what a trained network has learned and where it looks, on one HTML page.

    The page has the filters of its first convolution and, for each image, the feature maps of some layers, the
    saliency, and Grad-CAM: which pixels and which places of the last maps raise the score of the class.
    """
    from minigraph.models.labels import class_index
    from minigraph.tools.network_view import evenly
    from minigraph.tools.shared.html_page import drawing, heading, paragraph, write_page
    from minigraph.tools.textbook.figures.board import new_sheet

    new_sheet(1, 1)  # raises an error with install instructions
    with subject(target, checkpoint, weights, backend) as found:
        index = None if wanted is None else class_index(found.labels, wanted)
        name, filters = found.view.first_filters()
        body = [
            heading(f"Filters of {name}"),
            paragraph(
                f"{_some(filters.shape[3])} of {filters.shape[0]} x {filters.shape[1]} on {filters.shape[2]} inputs."
            ),
            drawing(filters_sheet(filters, found.channels), "filters"),
        ]
        chosen = layers or evenly(list(found.view.layers()), 4)
        for picture in pictures(target, found, photos, data):
            seen = found.view.look(picture.fed, index, chosen)
            order = np.argsort(-seen.scores, kind="stable")[:top]
            said = ", ".join(f"{found.labels[i]} {seen.scores[i]:.1%}" for i in order)
            body += [heading(picture.title), paragraph(f"{said}. Explained: {found.labels[seen.class_index]}.")]
            body.append(drawing(attention_sheet(picture, seen), "saliency and Grad-CAM"))
            for layer, maps in seen.maps.items():
                rows, columns, count = maps.shape
                body.append(paragraph(f"{layer}: {_some(count)} maps of {rows} x {columns}"))
                body.append(drawing(maps_sheet(maps), f"maps of {layer}"))
    path = out or Path(f"{Path(target).stem}-show.html")
    write_page(path, f"{target}, as it sees", body)
    click.echo(f"wrote {path}")


def _some(count: int) -> str:
    return f"{count}" if count <= _TILES else f"the first {_TILES} of {count}"
