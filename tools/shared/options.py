"""Options that several subcommands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from minigraph.core.errors import InvalidArgumentError, NotFoundError
from minigraph.tools.shared import completion

Command = TypeVar("Command", bound=Callable[..., Any])


def number(
    *, whole: bool = False, above: float | None = None, least: float | None = None, most: float | None = None
) -> Callable[[str], float]:
    """A converter to a finite number that is above `above`, at least `least` and at most `most`, if given."""
    bounds = (("above", above), ("at least", least), ("at most", most))
    limits = " and ".join(f"{word} {bound:.10g}" for word, bound in bounds if bound is not None)

    def convert(value: str) -> float:
        try:
            found = int(value) if whole else float(value)
        except ValueError:
            found = math.nan
        if (
            not math.isfinite(found)
            or (above is not None and found <= above)
            or (least is not None and found < least)
            or (most is not None and found > most)
        ):
            kind = "a whole number" if whole else "a finite number"
            raise click.BadParameter(f"expected {kind} {limits}, got {value}")
        return found

    convert.__name__ = "integer" if whole else "number"
    return convert


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["minigraph.debug"] = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, is_eager=True, callback=_set_debug, help="Show tracebacks for errors."
)


def given_options() -> list[str]:
    """The options that the command line gives to the current command, without --debug, which every command takes."""
    context = click.get_current_context()
    return [
        param.opts[-1] if param.opts[-1].startswith("--") else param.opts[0]
        for param in context.command.params
        if isinstance(param, click.Option)
        and param.name not in (None, "debug")
        and context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]


backend_option = click.option(
    "--backend",
    metavar="NAME",
    shell_complete=completion.backends,
    help="numpy, llvm, cupy, cupy:1 for the second GPU, or auto for the fastest available "
    "[default: $MINIGRAPH_BACKEND, else auto].",
)

batch_option = click.option(
    "--batch-size",
    type=number(whole=True, least=1),
    help="Images per batch [default: the recipe's; 8 for other models; 32 for a file].",
)
optimize_option = click.option(
    "--optimize", type=click.Choice(["O0", "O1", "O2", "O3"]), default="O3", show_default=True
)
inference_option = click.option(
    "--inference", is_flag=True, help="Use the network's predictions instead of a training step."
)


def _as_bytes(ctx: click.Context, param: click.Parameter, megabytes: float | None) -> int | None:
    return None if megabytes is None else round(megabytes * 1e6)


memory_limit_option = click.option(
    "--memory-limit",
    metavar="MB",
    type=number(above=0),
    callback=_as_bytes,
    help="Most memory for the values of a run; some are then computed again instead of being kept.",
)


def tell_backend(name: str | None) -> None:
    """Say on stderr which backend runs, and why if it is not a fast one. name: the value of --backend."""
    click.echo(backend_line(name), err=True)


def backend_line(name: str | None) -> str:
    """The line of `tell_backend`, for commands that say it when they are done."""
    import warnings

    from minigraph.backend.discovery import get_backend

    with warnings.catch_warnings(record=True) as reasons:
        warnings.simplefilter("always")
        found = get_backend(name).label
    warnings.filterwarnings("ignore", "programs run on the numpy backend")  # is said here
    return f"backend: {found}" + "".join(f" ({r.message})" for r in reasons)


def _set_autotune(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Set the environment variable, so that child processes such as those of `bench` inherit it."""
    if value:
        before = os.environ.get("MINIGRAPH_AUTOTUNE", "")
        os.environ["MINIGRAPH_AUTOTUNE"] = "1"
        ctx.call_on_close(lambda: os.environ.update(MINIGRAPH_AUTOTUNE=before))


autotune_option = click.option(
    "--autotune",
    is_flag=True,
    expose_value=False,
    callback=_set_autotune,
    help="Time alternative implementations and remember the fastest [default: $MINIGRAPH_AUTOTUNE].",
)


def check_output(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Raise an error, before any work, for a file that cannot be written: another suffix, or no such folder."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise InvalidArgumentError(f"{path}: the name must end in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    if not path.parent.is_dir():
        raise NotFoundError(f"{path}: there is no folder {path.parent}")


class _OutputFile(click.Path):
    """A file to write, whose folder is looked for before any work."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        check_output(path)
        return path


output_file = _OutputFile(dir_okay=False, path_type=Path)


def image_dir_option(required: bool) -> Callable[[Command], Command]:
    """--image-dir, which may be repeated, as the parameter `image_dir`."""
    return click.option(
        "--image-dir",
        type=click.Path(file_okay=False, path_type=Path),
        multiple=True,
        required=required,
        metavar="FOLDER",
        help="Folder that contains a folder of images for each class; may be repeated to combine folders.",
    )


def distortion_options(defaults: Mapping[str, Any]) -> Callable[[Command], Command]:
    """Options for the fields of `minigraph.data.Distortions`, None if not given. defaults: shown in the help."""
    texts = {
        "random_crop": "Percent by which an image is larger than its random crop.",
        "random_scale": "Maximum random enlargement in percent.",
        "random_brightness": "Maximum random change of brightness in percent.",
        "random_translation": "Maximum random shift in percent of the image's side.",
    }

    def decorate(command: Command) -> Command:
        for name, text in reversed(texts.items()):
            help_text = f"{text} [default: {defaults[name]:g}]"
            flag = f"--{name.replace('_', '-')}"
            command = click.option(flag, type=number(least=0), metavar="PERCENT", help=help_text)(command)
        default = "yes" if defaults["flip_left_right"] else "no"
        return click.option(
            "--flip-left-right/--no-flip-left-right",
            default=None,
            help=f"Mirror images at random [default: {default}].",
        )(command)

    return decorate
