"""`minigraph compare`: training runs side by side, as a table and as learning curves."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.tools.shared.options import check_output, debug_option, output_file

_SETTINGS = ("model", "batch_size", "learning_rate", "keep_prob", "stddev", "seed", "backend")
_COLOURS = ("#1f68b2", "#c96a12", "#148252", "#c8282c", "#7a4fb5", "#767c86", "#0f8a93", "#a8478d")
_DASHES = ("-", "--", ":", "-.")


class Curve(NamedTuple):
    """A run. loss, accuracy: of the batches, by step; test_*: by epoch. settings: those that a command line gives."""

    name: str
    settings: dict[str, Any]
    steps_per_epoch: int
    loss: list[float]
    accuracy: list[float]
    test_loss: list[float]
    test_accuracy: list[float]

    @property
    def best(self) -> int | None:
        """The epoch with the least validation loss, from 1."""
        return int(np.argmin(self.test_loss)) + 1 if self.test_loss else None


def read_run(folder: Path) -> Curve:
    """A run of `minigraph train`: its history.json, or if it has not ended the state in its last checkpoint.

    Raises NotFoundError if the folder holds neither, DataLossError if a file is damaged or another command's.
    """
    from minigraph.tools.shared.running import find_checkpoints, read_state

    path = folder / "history.json"
    checkpoints = find_checkpoints(folder) if folder.is_dir() else []
    if not path.is_file() and not checkpoints:
        raise NotFoundError(f"{folder}: expected the folder of a run of `minigraph train`, with history.json")
    try:
        if path.is_file():
            content = json.loads(path.read_text("utf-8"))
        else:
            state = read_state(checkpoints[-1], ("settings", "history", "batches"), "minigraph train")
            content = {**state["settings"], **state["history"]}
            order = state["batches"]
            whole, rest = divmod(order["examples"], order["batch_size"])
            content["steps_per_epoch"] = whole + (rest > 0 and not order["drop_remainder"])
        numbers = {n: [float(v) for v in content[n]] for n in ("loss", "accuracy", "test_loss", "test_accuracy")}
        return Curve(str(folder), {n: content.get(n) for n in _SETTINGS}, int(content["steps_per_epoch"]), **numbers)
    except (KeyError, TypeError, ValueError) as error:
        raise DataLossError(f"{path}: not the history of a run: {error}") from None


def differing(runs: Sequence[Curve]) -> list[str]:
    """The settings that are not the same in all runs; the model if all are."""
    return [n for n in _SETTINGS if len({str(run.settings[n]) for run in runs}) > 1] or ["model"]


def print_table(runs: Sequence[Curve]) -> None:
    """A line for each run, the least validation loss first."""
    from rich.table import Table

    from minigraph.util.terminal import console

    shown = differing(runs)
    rows = Table()
    rows.add_column("run", overflow="fold")
    for name in shown:
        rows.add_column(name.replace("_", " "))
    for title in ("epochs", "best epoch", "validation loss", "accuracy", "training loss"):
        rows.add_column(title, justify="right")
    for run in sorted(runs, key=lambda r: min(r.test_loss, default=math.inf)):
        best = run.best
        at_best = [] if best is None else [best, f"{run.test_loss[best - 1]:.4g}", f"{run.test_accuracy[best - 1]:.4f}"]
        last = run.loss[-run.steps_per_epoch :]
        rows.add_row(
            run.name,
            *(str(run.settings[n]) for n in shown),
            f"{len(run.loss) / run.steps_per_epoch:.3g}",
            *(map(str, at_best or ["-"] * 3)),
            f"{np.mean(last):.4g}" if last else "-",
        )
    console().print(rows)


def draw(runs: Sequence[Curve]) -> Any:
    """A matplotlib figure: the batches' loss, and on the validation images loss and accuracy, all by epochs."""
    from minigraph.tools.textbook.figures.board import GREY, INK, new_sheet, plain_axes

    sheet = new_sheet(13.4, 4.6 + 0.24 * -(-len(runs) // 2))
    low = 0.24 * -(-len(runs) // 2) / sheet.get_figheight() + 0.13
    panels = [plain_axes(sheet, (0.05 + 0.325 * i, low, 0.275, 0.93 - low)) for i in range(3)]
    titles = ("Loss of the batches, moving mean", "Validation loss", "Validation accuracy")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("epochs", fontsize=9, color=GREY)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for number, run in enumerate(runs):
        style = {
            "color": _COLOURS[number % len(_COLOURS)],
            "linestyle": _DASHES[number // len(_COLOURS) % len(_DASHES)],
            "linewidth": 1.6,
        }
        steps, smooth = _smooth(run)
        panels[0].plot(steps, smooth, **style)
        epochs = np.arange(1, len(run.test_loss) + 1)
        marker = "o" if len(epochs) < 25 else ""
        for axes, values in ((panels[1], run.test_loss), (panels[2], run.test_accuracy)):
            axes.plot(epochs, values, marker=marker, markersize=3.5, **style)
        x, y = 0.05 + 0.475 * (number % 2), (0.24 * (-(-len(runs) // 2) - number // 2) - 0.1) / sheet.get_figheight()
        sheet.add_artist(_line(x, y, style))
        sheet.text(x + 0.035, y, _label(run, runs), fontsize=9, color=INK, va="center")
    for axes in panels[:2]:
        values = [v for line in axes.get_lines() for v in line.get_ydata() if math.isfinite(v) and v > 0]
        if values and max(values) > 20 * min(values):
            axes.set_yscale("log")
    return sheet


def _line(x: float, y: float, style: dict[str, Any]) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([x, x + 0.028], [y, y], **style)


def _label(run: Curve, runs: Sequence[Curve]) -> str:
    said = [f"{n.replace('_', ' ')} {run.settings[n]}" for n in differing(runs) if n != "model"]
    return ", ".join([run.name, *said])


def _smooth(run: Curve) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The moving mean over a twentieth of an epoch, at most 1,000 points, by epochs."""
    loss = np.asarray(run.loss, float)
    window = max(1, min(len(loss), run.steps_per_epoch // 20))
    mean = np.convolve(loss, np.ones(window) / window, "valid") if len(loss) else loss
    every = max(1, len(mean) // 1000)
    return (np.arange(len(mean)) + window)[::every] / run.steps_per_epoch, mean[::every]


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=output_file, help="Picture to write, .png, .svg or .pdf [default: none; needs matplotlib]."
)
@debug_option
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Compare RUNS, folders of `minigraph train`: the settings in which they differ, their results and, with --out,
    their learning curves side by side."""
    if out is not None:
        check_output(out, (".png", ".svg", ".pdf"))
    folders = [run for run in runs if not run.is_file() or len(runs) == 1]  # `runs/*` may match files
    if not folders:
        raise NotFoundError(f"none of the {len(runs)} files is the folder of a run")
    found = []
    for folder in folders:
        try:
            found.append(read_run(folder))
        except (DataLossError, NotFoundError) as error:
            if len(folders) == 1:
                raise
            click.echo(f"left out: {error}", err=True)
    if not found:
        raise NotFoundError(f"none of the {len(folders)} folders is a run of `minigraph train`")
    print_table(found)
    if out is None:
        return
    from minigraph.util.files import atomic_write

    sheet = draw(found)
    with atomic_write(out) as file:
        sheet.savefig(file, format=out.suffix[1:].lower())
    click.echo(f"wrote {out}")
