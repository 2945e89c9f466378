"""The subcommand `retrain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minigraph.tools.shared import completion
from minigraph.tools.shared.options import (
    Command,
    backend_option,
    debug_option,
    distortion_options,
    image_dir_option,
    number,
)
from minigraph.tools.shared.workers import workers_option

if TYPE_CHECKING:
    from minigraph.data import ImageFolder
    from minigraph.models.record import Model
    from minigraph.tools.retrain.run import Retraining

DISTORTIONS: Mapping[str, Any] = {
    "flip_left_right": False,
    "random_crop": 0.0,
    "random_scale": 0.0,
    "random_brightness": 0.0,
    "random_translation": 0.0,
}
_percentage = number(above=0, most=80)
_count = number(whole=True, least=1)
_count_or_all = number(whole=True, least=-1)
_seed = number(whole=True, least=0, most=2**31 - 1)


def _option(name: str, default: Any, convert: Any, text: str) -> Callable[[Command], Command]:
    return click.option(f"--{name}", type=convert, default=default, show_default=True, help=text)


@click.command(context_settings={"token_normalize_func": lambda name: name.replace("_", "-")})
@image_dir_option(required=True)
@click.option(
    "--model",
    required=True,
    metavar="NAME",
    shell_complete=completion.models,
    help="Name of the network; `minigraph models` lists them.",
)
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Pretrained weights of the network.")
@click.option("--train-last-only", is_flag=True, help="Train only a new last layer [default].")
@click.option("--freeze-to", metavar="END_POINT", help="Also train the layers after this end point of the network.")
@click.option("--train-all", is_flag=True, help="Train all layers, starting from the pretrained weights.")
@click.option("--from-scratch", is_flag=True, help="Train all layers, starting from initial values.")
@click.option("--recommend", is_flag=True, help="Recommend one of these four cases for the images, and train nothing.")
@_option("how-many-training-steps", 4000, _count, "Training steps.")
@_option("learning-rate", 0.01, number(above=0), "Learning rate.")
@click.option("--optimizer", type=click.Choice(["sgd", "momentum", "adam"]), default="sgd", show_default=True)
@_option("testing-percentage", 10, _percentage, "Percentage of images for the final test.")
@_option("validation-percentage", 10, _percentage, "Percentage of images for validation.")
@_option("eval-step-interval", 10, _count, "Steps between evaluations.")
@_option("train-batch-size", 100, _count, "Images per step.")
@_option("test-batch-size", -1, _count_or_all, "Images in the final test; -1: all.")
@_option("validation-batch-size", 100, _count_or_all, "Images per evaluation; -1: all.")
@click.option("--print-misclassified-test-images", is_flag=True, help="List the misclassified test images.")
@distortion_options(DISTORTIONS)
@_option("seed", 0, _seed, "Seed for the new layer's initial values, the samples and the distortions.")
@_option("split-seed", 0, _seed, "Seed for the split of the images; 0: the split of TensorFlow's tool.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run [default: runs/retrain-MODEL].")
@click.option(
    "--output-graph",
    type=click.Path(path_type=Path),
    help="Bundle to write, or for .pb a frozen graph of TensorFlow [default: retrained.mgb in --out].",
)
@click.option(
    "--output-labels",
    type=click.Path(path_type=Path),
    help="File of class names to write [default: labels.txt in --out].",
)
@click.option(
    "--summaries-dir", type=click.Path(path_type=Path), help="Folder for event files [default: summaries in --out]."
)
@click.option(
    "--bottleneck-dir", type=click.Path(path_type=Path), default=Path("runs/bottlenecks"), show_default=True,
    help="Cache of the frozen part's results, by network and weights.",
)  # fmt: skip
@click.option(
    "--final-tensor-name", default="final_result", show_default=True, help="Name of the tensor of probabilities."
)
@backend_option
@click.option("--resume/--no-resume", default=True, help="Resume the run in --out [default], or replace it.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
@workers_option
@debug_option
def retrain(**options: Any) -> None:
    """Train a new classifier on a pretrained network, on folders of images.

    Option names may contain underscores instead of dashes. Ctrl-C saves; the same command then resumes. Of several
    processes (--workers) all compute bottlenecks, and one trains.
    """
    from minigraph.models.registry import get_model
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools.shared.folder import read_folder
    from minigraph.tools.shared.workers import begin

    begin(options["workers"], options["distributed"])
    options["quiet"] = options["quiet"] or WORLD.rank > 0
    model = get_model(options["model"])
    cut, from_scratch = _which_layers(model, options)
    if model.channels != 3:
        raise click.BadParameter(f"{model.name} takes grey images, not photographs", param_hint="'--model'")
    if options["weights"] is None and not (from_scratch or options["recommend"]):
        raise click.UsageError(f"{model.name} needs --weights, unless it is trained --from-scratch")
    if options["weights"] is not None and from_scratch:
        raise click.UsageError("expected --weights or --from-scratch, not both")
    folder = read_folder(options["image_dir"], options["quiet"])
    if options["recommend"]:
        _recommend(model, folder, options)
        return
    run = _run(model, folder, cut, from_scratch, options)
    _train(run, options)
    if not WORLD.rank:
        _report(run, options)


def _which_layers(model: Model, options: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The last frozen end point (None: nothing is frozen), and whether training starts from initial values."""
    given = [name for name in ("train_last_only", "freeze_to", "train_all", "from_scratch") if options[name]]
    if len(given) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{names} exclude each other")
    if options["train_all"] or options["from_scratch"]:
        return None, bool(options["from_scratch"])
    return options["freeze_to"] or model.bottleneck, False


def _out(options: Mapping[str, Any]) -> Path:
    return options["out"] or Path("runs") / f"retrain-{options['model']}"


def _run(
    model: Model, folder: ImageFolder, cut: str | None, from_scratch: bool, options: Mapping[str, Any]
) -> Retraining:
    from minigraph.backend.discovery import get_backend
    from minigraph.data import Distortions
    from minigraph.tools.retrain.network import RetrainPlan
    from minigraph.tools.retrain.run import Retraining, RetrainSettings

    plan = RetrainPlan(cut, from_scratch, options["optimizer"], options["learning_rate"])
    fields = (
        "train_batch_size", "validation_batch_size", "eval_step_interval", "testing_percentage",
        "validation_percentage", "seed", "split_seed",
    )  # fmt: skip
    settings = RetrainSettings(
        model=model.name, backend=get_backend(options["backend"]).label, **{name: options[name] for name in fields}
    )
    distortions = {name: default if options[name] is None else options[name] for name, default in DISTORTIONS.items()}
    return Retraining(
        model, folder, plan, settings, Distortions(**distortions), options["weights"], _out(options),
        options["bottleneck_dir"], options["final_tensor_name"],
    )  # fmt: skip


def _train(run: Retraining, options: Mapping[str, Any]) -> None:
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools.retrain.events import Events
    from minigraph.tools.retrain.run import Stopped
    from minigraph.tools.shared.progress import Counter
    from minigraph.tools.shared.running import Interrupted

    total, quiet = options["how_many_training_steps"], options["quiet"]
    with Counter("bottlenecks", quiet) as counter:
        counter.line(f"backend: {run.settings.backend}")
        for warning in run.split.warnings:
            counter.line(f"WARNING: {warning}", important=True)
        try:
            created = run.cache(counter)
        except Stopped as stop:
            counter.line(
                f"Stopped with {stop.done} of {stop.total} bottlenecks; the same command goes on.",
                important=WORLD.rank == 0,
            )
            raise SystemExit(130) from None
        if created:
            counter.line(f"{created} bottleneck files created.")
    if WORLD.rank:
        return
    resumed = run.start(options["resume"])
    folder = options["summaries_dir"] or _out(options) / "summaries"
    with Events(folder, run.network.graph, run.network.trained[-2:]) as events, Counter("training", quiet) as counter:
        if events.problem:
            counter.line(f"no event files: {events.problem}")
        if resumed is not None:
            counter.line(f"going on from {resumed}")
        try:
            run.train(total, events, counter)
        except Interrupted as stop:
            counter.line(stop.describe(total), important=True)
            raise SystemExit(130) from None


def _report(run: Retraining, options: Mapping[str, Any]) -> None:
    from minigraph.models.bundle import make_bundle, save_bundle
    from minigraph.models.tensorflow_graph import INPUT, bundle_message
    from minigraph.tools.shared.tensorflow_files import write_graph_message
    from minigraph.util.files import atomic_write

    test = run.test(options["test_batch_size"])
    click.echo(f"Final test accuracy = {test.right.mean():.1%} (N={len(test.rows)})")
    click.echo(run.baseline.describe())
    if options["print_misclassified_test_images"]:
        click.echo("=== MISCLASSIFIED TEST IMAGES ===")
        for row, logits, right in zip(test.rows, test.logits, test.right, strict=True):
            if not right:
                click.echo(f"{run.folder.files[row]!s:>70}  {run.folder.classes[logits.argmax()]}")
    out = _out(options)
    graph, labels = options["output_graph"] or out / "retrained.mgb", options["output_labels"] or out / "labels.txt"
    network = run.network
    bundle = make_bundle(
        run.session, network.images, network.predictions, run.folder.classes, run.preprocessing, crop=None
    )
    if graph.suffix in (".pb", ".pbtxt"):
        write_graph_message(graph, bundle_message(bundle, options["final_tensor_name"]))
        size = bundle.image_size
        flags = f"--input_layer={INPUT} --output_layer={options['final_tensor_name']} --input_height={size}"
        click.echo(f"for TensorFlow's label_image: {flags} --input_width={size}")
    else:
        save_bundle(graph, bundle)
    labels.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(labels, "w") as file:
        file.writelines(f"{name}\n" for name in run.folder.classes)
    click.echo(f"wrote {graph} and {labels}")


def _recommend(model: Model, folder: ImageFolder, options: Mapping[str, Any]) -> None:
    from minigraph.tools.retrain.network import end_points
    from minigraph.tools.retrain.recommend import advise, describe, measure
    from minigraph.tools.shared.progress import Counter

    counts = folder.counts().values()
    mean = sum(counts) / len(counts)
    names = end_points(model)
    advice = {similar: advise(model, names, mean, similar) for similar in (True, False)}
    likeness = None
    if options["weights"] is not None:
        run = _run(model, folder, model.bottleneck, False, options)
        with Counter("bottlenecks", options["quiet"]) as counter:
            run.cache(counter)
        likeness = measure(run.features(), folder.labels)
    for line in describe(folder, likeness, advice):
        click.echo(line)
