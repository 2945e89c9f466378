"""The `minigraph` command. Subcommands import what they need when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from minigraph.core.errors import MinigraphError
from minigraph.tools import chapter
from minigraph.tools.bench.command import bench
from minigraph.tools.options import backend_option, debug_option, number, output_file


class _Mistake(click.ClickException):
    """A mistake in the command line, told in one line."""

    exit_code = 2


class _Group(click.Group):
    """Shows users' errors in one line, without a traceback unless --debug is given."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise _Mistake(error.format_message()) from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(130) from None
        except BrokenPipeError:
            raise  # click's own matter
        except (MinigraphError, OSError) as error:
            if ctx.meta.get("minigraph.debug"):
                raise
            raise click.ClickException(str(error)) from None


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"minigraph {version('minigraph')}")
        ctx.exit()


_data = click.option(
    "--data", metavar="SOURCE", help="sample, mnist, or a folder with the MNIST files [default: the model's]."
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
@debug_option
def main() -> None:
    """Train and inspect convolutional networks with minigraph."""


@main.command()
@click.argument("model")
@_data
@click.option("--epochs", type=number(whole=True, least=1), help="[default: the model's, by data set]")
@click.option("--batch-size", type=number(whole=True, least=1), help="Images in a step [default: the model's].")
@click.option("--learning-rate", type=number(above=0), help="Adam's step size [default: the model's].")
@click.option("--keep-prob", type=number(above=0, most=1), help="What dropout keeps [default: the model's].")
@click.option("--stddev", type=number(above=0), help="Of the initial weights and biases [default: the model's].")
@click.option(
    "--seed",
    type=number(whole=True, least=0, most=2**31 - 1),
    default=0,
    show_default=True,
    help="Decides initial values, dropout and the order of the images.",
)
@backend_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder for all that is written [default: runs/MODEL].")
@click.option(
    "--checkpoint-every",
    type=number(whole=True, least=1),
    metavar="STEPS",
    help="Save every so many steps, besides each epoch's end.",
)
@click.option("--resume/--no-resume", default=True, help="Go on with the run in --out [default], or replace it.")
@click.option("--quiet", is_flag=True, help="Print the result only.")
@click.option("--max-steps", type=number(whole=True, least=1), hidden=True)
@debug_option
def train(
    model: str,
    data: str | None,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    keep_prob: float | None,
    stddev: float | None,
    seed: int,
    backend: str | None,
    out: Path | None,
    checkpoint_every: int | None,
    resume: bool,
    quiet: bool,
    max_steps: int | None,
) -> None:
    """Train MODEL, e.g. mnist-cnn; `minigraph models` lists them.

    Ctrl-C saves a checkpoint and stops; the same command then goes on from there.
    """
    from minigraph.backend import get_backend
    from minigraph.models.registry import get_model, get_recipe
    from minigraph.tools import train as training
    from minigraph.tools.data import load_data
    from minigraph.tools.progress import TrainingProgress

    chosen = get_model(model)
    recipe = get_recipe(chosen)
    source = data or recipe.dataset
    settings = training.Settings(
        model=chosen.name,
        batch_size=recipe.batch_size if batch_size is None else batch_size,
        learning_rate=recipe.learning_rate if learning_rate is None else learning_rate,
        keep_prob=recipe.keep_prob if keep_prob is None else keep_prob,
        stddev=recipe.stddev if stddev is None else stddev,
        seed=seed,
        backend=get_backend(backend).name,
    )
    folder = out or Path("runs") / chosen.name
    dataset = load_data(source)
    available = len(dataset.train_images)
    if settings.batch_size > available:
        raise click.BadParameter(
            f"expected at most {available}, the training images of {source}, got {settings.batch_size}",
            param_hint="'--batch-size'",
        )
    if not len(dataset.test_images):
        raise click.BadParameter(f"{source} has no test images", param_hint="'--data'")
    if folder.exists() and not folder.is_dir():
        raise click.BadParameter(f"expected a folder, but {folder} is a file", param_hint="'--out'")

    run = training.Run(chosen, settings, dataset, folder)
    resumed = run.start(resume)
    each = run.batches.steps_per_epoch
    total = each * (epochs or recipe.epochs.get(source, recipe.other_epochs))
    total = min(total, max_steps or total)
    with TrainingProgress(total, run.step, each, quiet) as progress:
        if resumed is not None and run.step >= total:
            progress.line(f"{resumed} has all {run.step} steps already; --epochs adds more, --no-resume starts anew.")
        elif resumed is not None:
            progress.line(f"going on from {resumed}")
        try:
            result = run.train(total, checkpoint_every, progress)
        except training.Interrupted as stop:
            progress.line(
                f"Stopped after step {stop.step} of {total}. Saved {stop.checkpoint};"
                " the same command (without --no-resume) goes on from there.",
                important=True,
            )
            raise SystemExit(130) from None
    click.echo(training.describe_accuracy(result.predicted, dataset.test_labels))
    _write_reports(folder, settings, result, dataset)


def _write_reports(folder: Path, settings: Any, result: Any, dataset: Any) -> None:
    from minigraph.tools import report
    from minigraph.tools.train import write_history

    write_history(folder / "history.json", settings, result)
    actual = dataset.test_labels.argmax(1)
    report.draw_predictions(folder / "predictions.png", dataset.test_images, result.predicted, actual, dataset.classes)
    history = result.history
    report.draw_history(
        folder / "loss.png", history.loss, history.accuracy, history.test_accuracy, result.steps_per_epoch
    )
    names = [result.checkpoint.name, "predictions.png", "loss.png", "history.json"]
    click.echo(f"wrote {', '.join(names)} to {folder}")


@main.command("eval")
@click.argument("model")
@click.option("--checkpoint", required=True, metavar="PATH", help="A .safetensors file, or a folder with some.")
@_data
@backend_option
@debug_option
def evaluate(model: str, checkpoint: str, data: str | None, backend: str | None) -> None:
    """Test MODEL with the variables of a checkpoint."""
    from minigraph.core.errors import NotFoundError
    from minigraph.models.registry import get_model, get_recipe
    from minigraph.tools.data import load_data
    from minigraph.tools.train import describe_accuracy, evaluate_checkpoint, find_checkpoints

    chosen = get_model(model)
    path = Path(checkpoint)
    if path.is_dir():
        found = find_checkpoints(path)
        if not found:
            raise NotFoundError(f"{path}: no checkpoint in this folder")
        path = found[-1]
    dataset = load_data(data or get_recipe(chosen).dataset)
    predicted = evaluate_checkpoint(chosen, path, dataset, backend)
    click.echo(describe_accuracy(predicted, dataset.test_labels))


@main.command("data")
@click.argument("name", type=click.Choice(["mnist"]))
@click.option("--from", "source", metavar="FOLDER", help="Copy from here instead of downloading.")
@click.option("--to", "target", metavar="FOLDER", help="[default: the cache, where --data mnist looks]")
@click.option("--quiet", is_flag=True, help="Print no progress.")
@debug_option
def fetch(name: str, source: str | None, target: str | None, quiet: bool) -> None:
    """Fetch a data set, verified by checksums: mnist, 70,000 digits in four files, 11 MB."""
    from minigraph.data import fetch_mnist

    click.echo(fetch_mnist(target, progress=not quiet, source_folder=source))


_batch = click.option(
    "--batch-size", type=number(whole=True, least=1), help="[default: the recipe's; 8 for other models; 32 for a file]"
)
_optimize = click.option("--optimize", type=click.Choice(["O0", "O1", "O2", "O3"]), default="O3", show_default=True)
_inference = click.option("--inference", is_flag=True, help="The network's predictions instead of a training step.")


@main.command()
@click.argument("model", metavar="MODEL|FILE")
@_batch
@click.option("--steps", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs.")
@backend_option
@_optimize
@_inference
@click.option("--html", type=output_file, help="Write a page that shows the graph with the time of each launch.")
@click.option("--trace", type=output_file, help="Write a trace for Perfetto or chrome://tracing.")
@click.option("--top", type=number(whole=True, least=1), default=20, show_default=True, help="Launches to print.")
@debug_option
def profile(
    model: str,
    batch_size: int | None,
    steps: int,
    backend: str | None,
    optimize: str,
    inference: bool,
    html: Path | None,
    trace: Path | None,
    top: int,
) -> None:
    """Show the launches of a training step by time, and the peak memory, planned and measured.

    The target is a model's name, a Python file that builds a graph (.py), or a saved graph.
    """
    from minigraph.tools import profile as profiling
    from minigraph.tools.target import load_target

    target = load_target(model, batch_size, inference)
    found = profiling.profile(target, steps, optimize, backend)
    profiling.print_profile(found.profile, top)
    if html is not None:
        profiling.write_page(html, target, found)
        click.echo(f"wrote {html}")
    if trace is not None:
        profiling.write_trace(trace, found.profile)
        click.echo(f"wrote {trace}")


@main.command()
@click.argument("model", metavar="MODEL|FILE")
@click.option("--fusion", is_flag=True, help="Tell why candidates were not fused.")
@click.option("--passes", is_flag=True, help="The same for the candidates of all passes.")
@_batch
@backend_option
@_optimize
@_inference
@click.option("--json", "trace", type=output_file, help="Write all of it, with every declined candidate.")
@debug_option
def explain(
    model: str,
    fusion: bool,
    passes: bool,
    batch_size: int | None,
    backend: str | None,
    optimize: str,
    inference: bool,
    trace: Path | None,
) -> None:
    """Show what each pass did to a graph, what runs without a kernel, is copied, or done in place.

    The target is a model's name, a Python file that builds a graph (.py), or a saved graph.
    """
    from minigraph.tools import explain as explaining
    from minigraph.tools.target import load_target

    plan, found = explaining.explain(load_target(model, batch_size, inference), optimize, backend)
    explaining.print_explanation(plan, found, "passes" if passes else "fusion" if fusion else None)
    if trace is not None:
        explaining.write_json(trace, found)
        click.echo(f"wrote {trace}")


@main.command()
@click.argument("model", metavar="MODEL|FILE")
@click.option("--batch-size", type=number(whole=True, least=1), default=4, show_default=True)
@backend_option
@_optimize
@_inference
@click.option("--compiled", is_flag=True, help="Run on the backend; by default by the ops' references, slowly.")
@debug_option
def bisect(model: str, batch_size: int, backend: str | None, optimize: str, inference: bool, compiled: bool) -> None:
    """Find the pass, and its rewrite, that breaks a graph or changes its results. Exit code 1 if there is one.

    The target is a model's name, a Python file that builds a graph (.py), or a saved graph.
    """
    from minigraph.tools import explain as explaining
    from minigraph.tools.target import load_target

    guilty = explaining.bisect(load_target(model, batch_size, inference), optimize, backend, compiled)
    if guilty is not None:
        click.echo(guilty.describe())
        raise SystemExit(1)
    click.echo("no pass changes the results")


@main.command()
@click.argument("target", metavar="MODEL|FILE")
@click.option("-o", "--out", type=output_file, required=True, help="A .svg, .png, .pdf, .dot or .html file.")
@click.option("--stage", metavar="before|after|PASS", help="[default: before; with --diff or --profile: after]")
@click.option("--diff", is_flag=True, help="Show what the passes, or the one of --stage, removed and added.")
@_batch
@_inference
@_optimize
@click.option(
    "--fold",
    "limit",
    type=number(whole=True, least=0),
    default=60,
    show_default=True,
    help="Fold scopes until about so many boxes are left; 0 shows all.",
)
@click.option("--html", is_flag=True, help="Write a page to explore all stages, too, next to the picture.")
@click.option("--profile", is_flag=True, help="Run it, and show the time of each launch after all passes.")
@click.option(
    "--steps", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs of --profile."
)
@backend_option
@debug_option
def viz(
    target: str,
    out: Path,
    stage: str | None,
    diff: bool,
    batch_size: int | None,
    inference: bool,
    optimize: str,
    limit: int,
    html: bool,
    profile: bool,
    steps: int,
    backend: str | None,
) -> None:
    """Draw a training step, or any other graph.

    The target is a model's name, a Python file that builds a graph (.py), or a saved graph.
    """
    from minigraph.tools import viz as drawing
    from minigraph.tools.target import load_target

    chosen = drawing.Choice(stage, diff, optimize, limit, html, steps if profile else 0, backend)
    files, note = drawing.draw(load_target(target, batch_size, inference), out, chosen)
    if note:
        click.echo(note, err=True)
    click.echo(f"wrote {', '.join(map(str, files))}")


@main.command()
@click.option("--clear", is_flag=True, help="Remove all of it.")
@debug_option
def cache(clear: bool) -> None:
    """Show how much compiled code is kept on disk, and where."""
    from minigraph.core.objects import KINDS, objects

    for store in map(objects, KINDS):
        if clear:
            click.echo(f"{store.clear()} compiled objects removed from {store.folder}")
            continue
        sizes = [entry.size for entry in store.entries()]
        size = f"{sum(sizes) / 1e6:.1f} MB of at most {store.limit / 1e6:.0f}"
        click.echo(f"{len(sizes)} compiled objects, {size}, in {store.folder}")


@main.command("models")
@debug_option
def models() -> None:
    """List the models."""
    from rich.console import Console
    from rich.table import Table

    from minigraph.models.registry import MODELS

    table = Table("model", "what it is", "image", "classes", "parameters")
    for model in MODELS:
        shape = " x ".join(map(str, model.image_shape))
        table.add_row(model.name, model.summary, shape, f"{model.classes:,}", f"{model.parameters():,}")
    console = Console(file=sys.stdout)
    console.print(table)


@main.command("devices")
@debug_option
def devices() -> None:
    """Show which backends run here, and what brings the others."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from minigraph.tools.devices import devices as find

    table = Table("backend", "runs here", "found", "missing")
    for status in find():
        table.add_row(status.name, "yes" if status.runs else "no", status.found, escape(status.missing))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140).print(table)


for _command in (*chapter.COMMANDS, bench):
    main.add_command(_command)
