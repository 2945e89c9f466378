"""The `minigraph` command. Subcommands import what they need when they run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from minigraph.core.errors import MinigraphError, UnknownNameError
from minigraph.tools import onnx_files, pretrained, run, run_onnx, scale, train_command, viz_command
from minigraph.tools.bench.command import bench
from minigraph.tools.compare import compare
from minigraph.tools.quantize import quantize
from minigraph.tools.retrain.command import retrain
from minigraph.tools.shared import completion
from minigraph.tools.shared.options import (
    autotune_option,
    backend_option,
    batch_option,
    debug_option,
    inference_option,
    memory_limit_option,
    number,
    optimize_option,
    output_file,
    tell_backend,
)
from minigraph.tools.shared.sizes import parse_sizes, size_options
from minigraph.tools.shared.workers import workers_option
from minigraph.tools.show import show
from minigraph.tools.summary import summary
from minigraph.tools.textbook import chapter

# The commands by task, each with a text that fits one line of the help.
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Train": {
        "train": "Train a network.",
        "eval": "Test a trained network.",
        "retrain": "Teach a pretrained network the classes of your folders.",
        "compare": "Compare the learning curves of several runs.",
        "data": "Fetch MNIST, Fashion-MNIST or CIFAR-10.",
    },
    "Use a network": {
        "predict": "Classify photographs.",
        "run": "Run a program written for TensorFlow 1.",
        "run-onnx": "Run an ONNX model.",
        "convert": "Convert weights, or freeze a network into a bundle.",
        "export": "Write an ONNX model, or a graph for TensorFlow.",
        "import": "Read an ONNX model into a graph file.",
        "quantize": "Bring a trained network to 8-bit integers.",
    },
    "Look inside": {
        "models": "List the networks.",
        "summary": "List a network's layers with shapes and costs.",
        "viz": "Draw a graph before and after each pass.",
        "show": "Draw filters, feature maps and saliency.",
        "explain": "Say what each pass did, and what it left.",
        "profile": "Show where time and memory go.",
        "bisect": "Find the pass that changes a result.",
    },
    "Speed": {
        "devices": "Show which backends can run here.",
        "bench": "Time networks against other frameworks.",
        "warm": "Compile a graph ahead of its first run.",
        "cache": "Show or clear the caches of compiled code.",
        "scale": "Predict the speed of many processes.",
    },
    "Learn": {
        "derive": "Derive a layer's gradients as formulas.",
        "figures": "Draw the figures of the textbook chapter.",
        "filter": "Filter an image as a graph does.",
        "explain-padding": "Show which inputs each output sees.",
    },
}


class _CommandGroup(click.Group):
    """Reports users' errors in one line, without a traceback unless --debug is given.

    The exit code is 2 if the command line is wrong: an unknown command, option, value or name, or a missing one. It is
    1 if the command cannot do what it says: files that are missing or damaged, training that diverges, a check that
    fails. It is 130 after Ctrl-C.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name, with hyphens or underscores."""
        return super().get_command(ctx, hyphens(cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by task."""
        known = self.list_commands(ctx)
        for title, texts in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, text in texts.items() if name in known])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _terminating():
                return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _fail(error, _told(error), 2)
        except UnknownNameError as error:
            if ctx.meta.get("minigraph.debug"):
                raise
            _fail(error, str(error), 2)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(130) from None
        except BrokenPipeError:
            raise  # click handles it
        except (MinigraphError, OSError) as error:
            if ctx.meta.get("minigraph.debug"):
                raise
            _fail(error, _message(error), 1)


def _told(error: click.UsageError) -> str:
    """The text of an error, with the options that an unknown one abbreviates by their first letters, as `--lr` does."""
    if not isinstance(error, click.NoSuchOption):
        return error.format_message()
    known = [] if error.ctx is None else [name for p in error.ctx.command.params for name in p.opts if name[:2] == "--"]
    letters = error.option_name.lstrip("-")
    short = [name for name in known if "".join(part[:1] for part in name[2:].split("-")) == letters]
    return f"{error.message} Did you mean {' or '.join(map(repr, short))}?" if short else error.format_message()


def _message(error: Exception) -> str:
    """An error's text; that of the operating system begins with the file."""
    if isinstance(error, MinigraphError) or getattr(error, "filename", None) is None:
        return str(error)
    reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror  # type: ignore[attr-defined]
    return f"{error.filename}: {reason}"  # type: ignore[attr-defined]


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


def hyphens(name: str) -> str:
    """A name of a command, an option or a choice as it is declared."""
    return name.replace("_", "-")


_SETTINGS: dict[str, Any] = {
    "help_option_names": ["-h", "--help"], "max_content_width": 100, "token_normalize_func": hyphens,
}  # fmt: skip


@click.group(cls=_CommandGroup, context_settings=_SETTINGS)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
@debug_option
def main() -> None:
    """Train and inspect convolutional networks with minigraph."""


@main.command("data")
@click.argument("name", metavar="NAME", type=click.Choice(["mnist", "fashion-mnist", "cifar10"]))
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


@main.command()
@click.argument("model", metavar="MODEL|FILE", shell_complete=completion.targets)
@batch_option
@click.option("--steps", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs.")
@backend_option
@memory_limit_option
@optimize_option
@inference_option
@size_options
@click.option("--html", type=output_file, help="Write a page with the graph and the time of each launch.")
@click.option("--trace", type=output_file, help="Write a trace for Perfetto or chrome://tracing.")
@click.option("--top", type=number(whole=True, least=1), default=20, show_default=True, help="Launches to print.")
@workers_option
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
    workers: int | None,
    distributed: bool,
) -> None:
    """Show the launches of a training step by time, and the planned and measured peak memory.

    On several processes those of the first one, with its exchanges; the batch is that of each process.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools import profile as profiling
    from minigraph.tools.shared.target import load_target
    from minigraph.tools.shared.workers import begin

    begin(workers, distributed)
    target = load_target(model, batch_size, inference, parse_sizes(shapes, dims))
    if not WORLD.rank:
        tell_backend(backend)
    found = profiling.profile(target, steps, optimize, backend, memory_limit)
    if WORLD.rank:
        return
    profiling.print_profile(found.profile, top, WORLD.size)
    if html is not None:
        profiling.write_page(html, target, found)
        click.echo(f"wrote {html}")
    if trace is not None:
        profiling.write_trace(trace, found.profile)
        click.echo(f"wrote {trace}")


@main.command()
@click.argument("model", metavar="MODEL|FILE", shell_complete=completion.targets)
@click.option("--fusion", is_flag=True, help="Show why candidates were not fused.")
@click.option("--passes", is_flag=True, help="Show why candidates of any pass were not rewritten.")
@click.option("--kernel", metavar="NODE", help="Show the kernel of a node instead: its statement, schedule and code.")
@click.option("--assembly", is_flag=True, help="With --kernel: show its assembly, too.")
@batch_option
@backend_option
@memory_limit_option
@optimize_option
@inference_option
@size_options
@autotune_option
@click.option("--json", "trace", type=output_file, help="Write everything as JSON, with all missed candidates.")
@debug_option
def explain(
    model: str,
    fusion: bool,
    passes: bool,
    kernel: str | None,
    assembly: bool,
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
    if assembly and kernel is None:
        raise click.UsageError("--assembly shows the code of a launch: name its node with --kernel")
    from minigraph.tools import explain as explaining
    from minigraph.tools.shared.target import load_target

    target = load_target(model, batch_size, inference, parse_sizes(shapes, dims))
    plan, found = explaining.explain(target, optimize, backend, memory_limit)
    if kernel is not None:
        from minigraph.tools.kernels import kernel_text

        click.echo(kernel_text(plan, kernel, assembly))
        return
    explaining.print_explanation(plan, found, "passes" if passes else "fusion" if fusion else None)
    if trace is not None:
        explaining.write_json(trace, found)
        click.echo(f"wrote {trace}")


@main.command()
@click.argument("model", metavar="MODEL|FILE", shell_complete=completion.targets)
@click.option("--batch-size", type=number(whole=True, least=1), default=4, show_default=True)
@backend_option
@optimize_option
@inference_option
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
@click.argument("model", metavar="MODEL|FILE", shell_complete=completion.targets)
@batch_option
@backend_option
@memory_limit_option
@optimize_option
@inference_option
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
    from minigraph.models.registry import MODELS
    from minigraph.util.terminal import Column, console, output_width, table

    columns = [
        Column("model"), Column("parameters", right=True), Column("image", drop=1), Column("classes", True, drop=2),
        Column("description", cut="end", drop=3),
    ]  # fmt: skip
    rows = [
        [m.name, f"{m.trainable:,}", "x".join(map(str, m.image_shape)), f"{m.classes:,}", m.summary] for m in MODELS
    ]
    console().print(table(columns, rows, output_width()))


@main.command("devices")
@debug_option
def devices() -> None:
    """Show which backends can run here, and the extras that install the others."""
    from rich.markup import escape
    from rich.table import Table

    from minigraph.tools.shared.devices import devices as find
    from minigraph.util.terminal import console

    table = Table("backend", "runs here", "found", "missing")
    for status in find():
        table.add_row(status.name, "yes" if status.runs else "no", status.found, escape(status.missing))
    console().print(table)


_COMMANDS = (*chapter.COMMANDS, *train_command.COMMANDS, *pretrained.COMMANDS, *onnx_files.COMMANDS, *run_onnx.COMMANDS)
for _command in (*_COMMANDS, bench, compare, quantize, retrain, run.run, scale.scale, show, summary, viz_command.viz):
    main.add_command(_command)
