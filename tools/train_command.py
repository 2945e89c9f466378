"""The subcommands `train` and `eval`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.shared import completion
from minigraph.tools.shared.options import (
    autotune_option,
    backend_option,
    check_output,
    debug_option,
    distortion_options,
    image_dir_option,
    memory_limit_option,
    number,
    output_file,
    tell_backend,
)
from minigraph.tools.shared.workers import workers_option

if TYPE_CHECKING:
    from minigraph.data import Dataset
    from minigraph.models.record import Model, Recipe
    from minigraph.tools.shared.data import TrainingData
    from minigraph.tools.shared.progress import TrainingProgress
    from minigraph.tools.shared.train import TrainingResult, TrainingRun, TrainingSettings

DISTORTIONS: Mapping[str, Any] = {
    "flip_left_right": True,
    "random_crop": 20.0,
    "random_scale": 0.0,
    "random_brightness": 20.0,
    "random_translation": 10.0,
}


@dataclass(frozen=True)
class TrainOptions:
    """The options of `minigraph train`. None: the model's own value."""

    data: str | None
    image_dir: tuple[Path, ...]
    validation_percentage: float
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    keep_prob: float | None
    stddev: float | None
    as_in_chapter: bool
    seed: int
    backend: str | None
    memory_limit: int | None
    out: Path | None
    checkpoint_every: int | None
    patience: int | None
    resume: bool
    quiet: bool
    workers: int | None
    restarts: int
    distributed: bool
    max_steps: int | None
    distortions: Mapping[str, Any]


data_option = click.option(
    "--data",
    metavar="SOURCE",
    shell_complete=completion.data,
    help="sample, mnist, fashion-mnist, cifar10, or a folder with the files of one [default: the model's].",
)


@click.command()
@click.argument("model", shell_complete=completion.recipes)
@data_option
@image_dir_option(required=False)
@click.option(
    "--validation-percentage",
    type=number(above=0, most=90),
    default=20,
    show_default=True,
    help="Percentage of each class of --image-dir held out for testing.",
)
@distortion_options(DISTORTIONS)
@click.option(
    "--epochs",
    type=number(whole=True, least=1),
    help="Passes over the training data [default: the model's for the data set].",
)
@click.option("--batch-size", type=number(whole=True, least=1), help="Images per step [default: the model's].")
@click.option("--learning-rate", type=number(above=0), help="Adam's learning rate [default: the model's].")
@click.option("--keep-prob", type=number(above=0, most=1), help="Fraction that dropout keeps [default: the model's].")
@click.option(
    "--stddev", type=number(above=0), help="Standard deviation of initial weights and biases [default: the model's]."
)
@click.option(
    "--as-in-chapter",
    is_flag=True,
    help="Start from the textbook chapter's settings: for mnist-cnn initial values of standard deviation 1, whose first"
    " losses are in the hundred thousands, and learning rate 0.01.",
)
@click.option(
    "--seed",
    type=number(whole=True, least=0, most=2**31 - 1),
    default=0,
    show_default=True,
    help="Seed for initial values, dropout, the order of the images, and the held-out images.",
)
@backend_option
@memory_limit_option
@autotune_option
@click.option("--out", type=click.Path(path_type=Path), help="Output folder [default: runs/MODEL].")
@click.option(
    "--checkpoint-every", type=number(whole=True, least=1), metavar="STEPS", help="Also save every STEPS steps."
)
@click.option(
    "--patience",
    type=number(whole=True, least=1),
    metavar="EPOCHS",
    help="Stop when the validation loss has not become less for EPOCHS epochs [default: never].",
)
@click.option("--resume/--no-resume", default=True, help="Resume the run in --out [default], or replace it.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
@workers_option
@click.option(
    "--restarts",
    type=number(whole=True, least=0),
    default=0,
    show_default=True,
    help="How often --workers starts again from the last checkpoint after a process has failed.",
)
@click.option("--max-steps", type=number(whole=True, least=1), hidden=True)
@debug_option
def train(model: str, **given: Any) -> None:
    """Train MODEL, e.g. mnist-cnn or resnet20, or folder-cnn with --image-dir; `minigraph models` lists them.

    After each epoch the images that are not trained on, those for tests, are validated; best.safetensors keeps the
    variables with the least loss. TensorBoard shows the run's event files.

    Ctrl-C saves a checkpoint and stops. The same command then continues from there.
    """
    from minigraph.models.registry import get_model, get_recipe
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools.shared.data import fitted
    from minigraph.tools.shared.train import TrainingRun, summarise
    from minigraph.tools.shared.workers import begin

    options = TrainOptions(distortions={name: given.pop(name) for name in DISTORTIONS}, **given)
    begin(options.workers, options.distributed, options.restarts)
    if WORLD.rank:
        options = replace(options, quiet=True)
    chosen = get_model(model)
    recipe = get_recipe(chosen)
    settings = _settings(chosen, recipe, options)
    folder = options.out or Path("runs") / chosen.name
    if folder.exists() and not folder.is_dir():
        raise click.BadParameter(f"expected a folder, but {folder} is a file", param_hint="'--out'")
    source = options.data or recipe.dataset
    dataset: TrainingData
    if options.image_dir:
        if options.data is not None:
            raise click.UsageError("expected --data or --image-dir, not both")
        percentage, seed = options.validation_percentage, options.seed
        dataset = _photographs(chosen, options.image_dir, options.distortions, percentage, seed, options.quiet)
    else:
        data = _data_set(chosen, source, options.distortions, settings.batch_size)
        dataset = fitted(data, chosen, recipe.image_shape)
    run = TrainingRun(chosen, settings, dataset, folder, options.memory_limit)
    result = _train(run, options.epochs or recipe.epochs.get(source, recipe.other_epochs), options)
    if WORLD.rank:
        return
    click.echo(summarise(result, dataset, run.baseline))
    click.echo(_describe_best(run))
    _write_reports(folder, settings, result, dataset)


@click.command("eval")
@click.argument("model", shell_complete=completion.recipes)
@click.option(
    "--checkpoint",
    required=True,
    metavar="PATH",
    help="A .safetensors file, or a folder (its latest checkpoint is used).",
)
@data_option
@image_dir_option(required=False)
@click.option(
    "--held-out", is_flag=True, help="Use only the images of --image-dir that the checkpoint's run did not train on."
)
@click.option(
    "--report", type=output_file, help="Write an HTML page with the confusion matrix and the misclassified images."
)
@backend_option
@autotune_option
@debug_option
def evaluate(
    model: str,
    checkpoint: str,
    data: str | None,
    image_dir: tuple[Path, ...],
    held_out: bool,
    report: Path | None,
    backend: str | None,
) -> None:
    """Test MODEL with the variables of a checkpoint."""
    from minigraph.models.registry import get_model, get_recipe
    from minigraph.tools.shared.data import fitted, load_data, plain_images
    from minigraph.tools.shared.running import checkpoint_file, read_identity
    from minigraph.tools.shared.train import describe_accuracy, evaluate_checkpoint

    if report is not None:
        check_output(report)
    chosen = get_model(model)
    path = checkpoint_file(Path(checkpoint))
    dataset: TrainingData
    if image_dir:
        settings = read_identity(path, "minigraph train")
        dataset = _photographs(
            chosen, image_dir, {}, settings["validation_percentage"] if held_out else 100, settings["seed"], False
        )
        if list(dataset.classes) != settings["classes"]:
            raise InvalidArgumentError(
                f"the classes of {path} are {', '.join(settings['classes'])};"
                f" those of {', '.join(map(str, image_dir))} are {', '.join(dataset.classes)}"
            )
    else:
        recipe = get_recipe(chosen)
        dataset = fitted(load_data(data or recipe.dataset), chosen, recipe.image_shape)
    logits = evaluate_checkpoint(chosen, path, dataset, backend)
    tell_backend(backend)
    click.echo(describe_accuracy(logits, dataset.test_labels))
    if report is not None:
        from minigraph.tools.eval_report import write_report

        title = f"{chosen.name} with {path}"
        write_report(report, title, logits, dataset.test_labels, plain_images(dataset), dataset.classes)
        click.echo(f"wrote {report}")


COMMANDS = (train, evaluate)


def _describe_best(run: TrainingRun) -> str:
    epoch, history = run.best_epoch, run.history
    if not epoch:
        return "no epoch has ended, so there is no best.safetensors"
    loss, accuracy = history.test_loss[epoch - 1], history.test_accuracy[epoch - 1]
    return f"best           epoch {epoch}: validation loss {loss:.4g}, accuracy {accuracy:.4f}, in {run.best.path.name}"


def _settings(model: Model, recipe: Recipe, options: TrainOptions) -> TrainingSettings:
    from minigraph.backend.discovery import get_backend
    from minigraph.tools.shared.train import TrainingSettings

    if options.as_in_chapter and not recipe.chapter:
        raise click.BadParameter(f"the chapter has no settings for {model.name}", param_hint="'--as-in-chapter'")
    if options.as_in_chapter:
        recipe = replace(recipe, **recipe.chapter)  # type: ignore[arg-type]
    settings = TrainingSettings(
        model=model.name,
        batch_size=recipe.batch_size if options.batch_size is None else options.batch_size,
        learning_rate=recipe.learning_rate if options.learning_rate is None else options.learning_rate,
        keep_prob=recipe.keep_prob if options.keep_prob is None else options.keep_prob,
        stddev=recipe.stddev if options.stddev is None else options.stddev,
        seed=options.seed,
        backend=get_backend(options.backend).label,
    )
    if options.stddev is not None and recipe.stddev is None:
        raise click.BadParameter(f"{model.name} has fixed initial values", param_hint="'--stddev'")
    if options.keep_prob is not None and recipe.keep_prob is None:
        raise click.BadParameter(f"{model.name} has no dropout", param_hint="'--keep-prob'")
    return settings


def _train(run: TrainingRun, epochs: int, options: TrainOptions) -> TrainingResult:
    """Start or resume the run and train for `epochs` in all, with progress on stderr. Exits with 130 on Ctrl-C."""
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools.shared.progress import TrainingProgress
    from minigraph.tools.shared.running import Interrupted
    from minigraph.tools.shared.workers import describe

    resumed = run.start(options.resume)
    each = run.batches.steps_per_epoch
    total = min(each * epochs, options.max_steps or each * epochs)
    try:
        with TrainingProgress(total, run.step, each, options.quiet) as progress:
            progress.line(f"backend: {run.session.backend.label}")
            if WORLD.size > 1:
                progress.line(describe())
            progress.line(run.baseline.describe())
            if resumed is not None and run.step >= total:
                progress.line(
                    f"{resumed} has all {run.step} steps already; --epochs adds more, --no-resume starts anew."
                )
            elif resumed is not None and run.is_stuck(options.patience):
                progress.line(f"{resumed} has stopped early already; a larger --patience goes on.")
            elif resumed is not None:
                progress.line(f"going on from {resumed}")
            try:
                with _events(run, progress):
                    result = run.train(total, options.checkpoint_every, progress, options.patience)
                if run.step < total:
                    progress.line(
                        f"stopped early after epoch {run.step // each}: the validation loss was least after epoch"
                        f" {run.best_epoch}"
                    )
                return result
            except Interrupted as stop:
                progress.line(stop.describe(total), important=WORLD.rank == 0)
                raise SystemExit(130) from None
    finally:
        run.batches.close()


@contextmanager
def _events(run: TrainingRun, progress: TrainingProgress) -> Iterator[None]:
    """Event files in the run's folder, which one rank writes."""
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools.shared.events import EventFiles

    if WORLD.rank:
        yield
        return
    tested = len(run.history.test_loss) * run.batches.steps_per_epoch
    first = {"train": run.step + 1, "validation": tested + 1}
    with EventFiles(run.out / "events", run.network.graph, first) as files:
        if files.problem:
            progress.line(f"no event files: {files.problem}")
        run.events = files
        yield


def _data_set(model: Model, source: str, distortions: Mapping[str, Any], batch_size: int) -> Dataset:
    from minigraph.tools.shared.data import FOLDER, load_data

    if given := [name for name, value in distortions.items() if value is not None]:
        raise click.UsageError(f"--{given[0].replace('_', '-')} needs --image-dir: it is for folders of images")
    if source == FOLDER:
        raise click.UsageError(
            f"{model.name} learns from a folder of images, with a folder for each class: --image-dir"
        )
    dataset = load_data(source)
    available = len(dataset.train_images)
    if batch_size > available:
        raise click.BadParameter(
            f"expected at most {available}, the training images of {source}, got {batch_size}",
            param_hint="'--batch-size'",
        )
    if not len(dataset.test_images):
        raise click.BadParameter(f"{source} has no test images", param_hint="'--data'")
    return dataset


def _photographs(
    model: Model,
    image_dir: tuple[Path, ...],
    distortions: Mapping[str, Any],
    percentage: float,
    seed: int,
    quiet: bool,
) -> TrainingData:
    from minigraph.data import Distortions
    from minigraph.tools.shared.data import load_photographs
    from minigraph.tools.shared.folder import read_folder

    if model.channels != 3:
        raise click.BadParameter(f"{model.name} takes grey images, not a folder of photographs", param_hint="'MODEL'")
    chosen = {name: DISTORTIONS[name] if value is None else value for name, value in distortions.items()}
    return load_photographs(read_folder(image_dir, quiet), model, Distortions(**chosen), percentage, seed)


def _write_reports(folder: Path, settings: Any, result: Any, dataset: TrainingData) -> None:
    from minigraph.tools import report
    from minigraph.tools.shared.data import plain_images
    from minigraph.tools.shared.train import write_history

    write_history(folder / "history.json", settings, result)
    actual, predicted = dataset.test_labels.argmax(1), result.logits.argmax(1)
    report.draw_predictions(folder / "predictions.png", plain_images(dataset), predicted, actual, dataset.classes)
    history = result.history
    report.draw_history(
        folder / "loss.png",
        history.loss,
        history.accuracy,
        history.test_loss,
        history.test_accuracy,
        result.steps_per_epoch,
    )
    best = ["best.safetensors"] if (folder / "best.safetensors").exists() else []
    names = [result.checkpoint.name, *best, "predictions.png", "loss.png", "history.json"]
    click.echo(f"wrote {', '.join(names)} to {folder}")
