"""The `minigraph` command. Subcommands import what they need when they run."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from minigraph.core.errors import MinigraphError
from minigraph.tools import onnx_files, pretrained, run, run_onnx, scale, train_command
from minigraph.tools.bench.command import bench
from minigraph.tools.compare import compare
from minigraph.tools.quantize import quantize
from minigraph.tools.retrain.command import retrain
from minigraph.tools.shared.options import (
    autotune_option,
    backend_option,
    debug_option,
    memory_limit_option,
    number,
    output_file,
    tell_backend,
)
from minigraph.tools.shared.sizes import parse_sizes, size_options
from minigraph.tools.show import show
from minigraph.tools.summary import summary
from minigraph.tools.textbook import chapter


class _CommandGroup(click.Group):
    """Reports users' errors in one line, without a traceback unless --debug is given."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _terminating():
                return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _fail(error, error.format_message(), 2)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(130) from None
        except BrokenPipeError:
            raise  # click handles it
        except (MinigraphError, OSError) as error:
            if ctx.meta.get("minigraph.debug"):
                raise
            _fail(error, str(error), 1)


@contextmanager
def _terminating() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does, so that it leaves nothing half-made. Training has its own handlers."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _fail(error: Exception, message: str, code: int) -> NoReturn:
    """Show the message and exit, together with the other ranks of a distributed run."""
    from minigraph.ops.collective.world import WORLD

    WORLD.fail(error, lambda prefix: click.echo(f"Error: {prefix}{message}", err=True), code)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"minigraph {version('minigraph')}")
        ctx.exit()


@click.group(cls=_CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
@debug_option
def main() -> None:
    """Train and inspect convolutional networks with minigraph."""


@main.command("data")
@click.argument("name", type=click.Choice(["mnist", "fashion-mnist", "cifar10"]))
@click.option("--from", "source", metavar="FOLDER", help="Copy from this folder instead of downloading.")
@click.option(
    "--to", "target", metavar="FOLDER", help="Target folder [default: the cache, which `train --data` searches]."
)
@click.option("--quiet", is_flag=True, help="Print no progress.")
@debug_option
def fetch(name: str, source: str | None, target: str | None, quiet: bool) -> None:
    """Fetch a data set, verified by checksums.

    mnist, 70,000 digits, 11 MB; fashion-mnist, 70,000 grey pictures of clothes, 31 MB; cifar10, 60,000 colour
    photographs, 170 MB. The last two need pooch, which the extra `datasets` installs.
    """
    from minigraph.data import fetch as fetch_data

    click.echo(fetch_data(name, target, source, progress=not quiet))


_batch = click.option(
    "--batch-size",
    type=number(whole=True, least=1),
    help="Images per batch [default: the recipe's; 8 for other models; 32 for a file].",
)
_optimize = click.option("--optimize", type=click.Choice(["O0", "O1", "O2", "O3"]), default="O3", show_default=True)
_inference = click.option("--inference", is_flag=True, help="Use the network's predictions instead of a training step.")


@main.command()
@click.argument("model", metavar="MODEL|FILE")
@_batch
@click.option("--steps", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs.")
@backend_option
@memory_limit_option
@_optimize
@_inference
@size_options
@click.option("--html", type=output_file, help="Write a page with the graph and the time of each launch.")
@click.option("--trace", type=output_file, help="Write a trace for Perfetto or chrome://tracing.")
@click.option("--top", type=number(whole=True, least=1), default=20, show_default=True, help="Launches to print.")
@debug_option
def profile(
    model: str,
    batch_size: int | None,
    steps: int,
    backend: str | None,
    memory_limit: int | None,
    optimize: str,
    inference: bool,
    shapes: tuple[str, ...],
    dims: tuple[str, ...],
    html: Path | None,
    trace: Path | None,
    top: int,
) -> None:
    """Show the launches of a training step by time, and the planned and measured peak memory.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.tools import profile as profiling
    from minigraph.tools.shared.target import load_target

    target = load_target(model, batch_size, inference, parse_sizes(shapes, dims))
    tell_backend(backend)
    found = profiling.profile(target, steps, optimize, backend, memory_limit)
    profiling.print_profile(found.profile, top)
    if html is not None:
        profiling.write_page(html, target, found)
        click.echo(f"wrote {html}")
    if trace is not None:
        profiling.write_trace(trace, found.profile)
        click.echo(f"wrote {trace}")


@main.command()
@click.argument("model", metavar="MODEL|FILE")
@click.option("--fusion", is_flag=True, help="Show why candidates were not fused.")
@click.option("--passes", is_flag=True, help="Show why candidates of any pass were not rewritten.")
@click.option("--kernel", metavar="NODE", help="Show the kernel of a node instead: its statement, schedule and code.")
@_batch
@backend_option
@memory_limit_option
@_optimize
@_inference
@size_options
@autotune_option
@click.option("--json", "trace", type=output_file, help="Write everything as JSON, with all missed candidates.")
@debug_option
def explain(
    model: str,
    fusion: bool,
    passes: bool,
    kernel: str | None,
    batch_size: int | None,
    backend: str | None,
    memory_limit: int | None,
    optimize: str,
    inference: bool,
    shapes: tuple[str, ...],
    dims: tuple[str, ...],
    trace: Path | None,
) -> None:
    """Show the rewrites of each pass, the launches without a kernel, the copies, the results made in place, and the
    choices between implementations.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.tools import explain as explaining
    from minigraph.tools.shared.target import load_target

    target = load_target(model, batch_size, inference, parse_sizes(shapes, dims))
    plan, found = explaining.explain(target, optimize, backend, memory_limit)
    if kernel is not None:
        from minigraph.tools.kernels import kernel_text

        click.echo(kernel_text(plan, kernel))
        return
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
@size_options
@click.option("--compiled", is_flag=True, help="Run on the backend instead of the slow reference implementations.")
@debug_option
def bisect(
    model: str, batch_size: int, backend: str | None, optimize: str, inference: bool, shapes: tuple[str, ...],
    dims: tuple[str, ...], compiled: bool,
) -> None:  # fmt: skip
    """Find the pass and the rewrite that break a graph or change its results. The exit code is 1 if one is found.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.tools import explain as explaining
    from minigraph.tools.shared.target import load_target

    if compiled:
        tell_backend(backend)
    target = load_target(model, batch_size, inference, parse_sizes(shapes, dims))
    guilty = explaining.bisect(target, optimize, backend, compiled)
    if guilty is not None:
        click.echo(guilty.describe())
        raise SystemExit(1)
    click.echo("no pass changes the results")


@main.command()
@click.argument("target", metavar="MODEL|FILE")
@click.option("-o", "--out", type=output_file, help="A .svg, .png, .pdf, .dot or .html file [default: a browser].")
@click.option(
    "--stage", metavar="before|after|PASS", help="Stage to draw [default: before; with --diff or --profile: after]."
)
@click.option("--diff", is_flag=True, help="Show the boxes that all passes, or the one of --stage, removed and added.")
@_batch
@_inference
@_optimize
@click.option(
    "--fold",
    "limit",
    type=number(whole=True, least=0),
    default=90,
    show_default=True,
    help="Fold scopes until about this many boxes remain; 0 folds nothing.",
)
@click.option("--html", is_flag=True, help="Also write a page with all stages, next to the picture.")
@click.option("--profile", is_flag=True, help="Run the program, and show the time of each launch after all passes.")
@click.option(
    "--steps", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs of --profile."
)
@size_options
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser, if there is a screen.")
@backend_option
@debug_option
def viz(
    target: str,
    out: Path | None,
    stage: str | None,
    diff: bool,
    batch_size: int | None,
    inference: bool,
    optimize: str,
    limit: int,
    html: bool,
    profile: bool,
    steps: int,
    shapes: tuple[str, ...],
    dims: tuple[str, ...],
    opened: bool,
    backend: str | None,
) -> None:
    """Draw a training step, or any other graph; without --out, show its page in a browser.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.tools import viz as drawing
    from minigraph.tools.shared.target import load_target

    if profile:
        tell_backend(backend)
    chosen = drawing.PictureOptions(stage, diff, optimize, limit, html, steps if profile else 0, backend)
    loaded = load_target(target, batch_size, inference, parse_sizes(shapes, dims))
    if out is None:
        drawing.serve(loaded, chosen)
        return
    files, note = drawing.draw(loaded, out, chosen)
    if note:
        click.echo(note, err=True)
    click.echo(f"wrote {', '.join(map(str, files))}")
    pages = [file for file in files if file.suffix == ".html"]
    if opened and pages and drawing.has_screen():
        click.launch(str(pages[0].resolve()))


@main.command()
@click.argument("model", metavar="MODEL|FILE")
@_batch
@backend_option
@memory_limit_option
@_optimize
@_inference
@size_options
@debug_option
def warm(
    model: str,
    batch_size: int | None,
    backend: str | None,
    memory_limit: int | None,
    optimize: str,
    inference: bool,
    shapes: tuple[str, ...],
    dims: tuple[str, ...],
) -> None:
    """Compile a training step, or any other graph, so that its first run need not.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.tools.profile import warm as compile_all
    from minigraph.tools.shared.target import load_target

    target = load_target(model, batch_size, inference, parse_sizes(shapes, dims))
    tell_backend(backend)
    click.echo(compile_all(target, optimize, backend, memory_limit))


@main.command()
@click.option("--clear", is_flag=True, help="Remove all entries.")
@debug_option
def cache(clear: bool) -> None:
    """Show the location and size of the caches of compiled code and of timed choices."""
    from minigraph.util.object_cache import LIMITS, objects

    for kind in LIMITS:
        store, what = objects(kind), "timed choices" if kind == "tuning" else "compiled objects"
        if clear:
            click.echo(f"{store.clear()} {what} removed from {store.folder}")
            continue
        sizes = [entry.size for entry in store.entries()]
        size = f"{sum(sizes) / 1e6:.1f} MB of at most {store.limit / 1e6:.0f}"
        reason = store.refusal()
        click.echo(f"{len(sizes)} {what}, {size}, in {store.folder}" + (f", not used: {reason}" if reason else ""))


@main.command("models")
@debug_option
def models() -> None:
    """List the models."""
    from rich.console import Console
    from rich.table import Table

    from minigraph.models.registry import MODELS

    table = Table("model", "description", "image", "classes", "parameters")
    for model in MODELS:
        shape = " x ".join(map(str, model.image_shape))
        table.add_row(model.name, model.summary, shape, f"{model.classes:,}", f"{model.parameters():,}")
    console = Console(file=sys.stdout)
    console.print(table)


@main.command("devices")
@debug_option
def devices() -> None:
    """Show which backends can run here, and the extras that install the others."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from minigraph.tools.shared.devices import devices as find

    table = Table("backend", "runs here", "found", "missing")
    for status in find():
        table.add_row(status.name, "yes" if status.runs else "no", status.found, escape(status.missing))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140).print(table)


_COMMANDS = (*chapter.COMMANDS, *train_command.COMMANDS, *pretrained.COMMANDS, *onnx_files.COMMANDS, *run_onnx.COMMANDS)
for _command in (*_COMMANDS, bench, compare, quantize, retrain, run.run, scale.scale, show, summary):
    main.add_command(_command)
