"""Progress of a training run: a live bar on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_INTERVAL = 5.0  # seconds between plain lines
_RECENT = 20  # steps over which the speed is taken


class TrainingProgress:
    """Reports steps on stderr. Use in a `with` block.

    total, done: steps of the whole run, and those of an earlier part that is resumed.
    steps_per_epoch: for the epoch's number.
    quiet: say nothing but `line`s marked important.
    """

    def __init__(self, total: int, done: int, steps_per_epoch: int, quiet: bool = False) -> None:
        self._total, self._steps_per_epoch, self._quiet = total, steps_per_epoch, quiet
        self._epochs = -(-total // steps_per_epoch)
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)
        self._next_line = 0.0
        self._bar: Progress | None = None
        if not quiet and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task("", total=total, completed=done, numbers="", eta="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, step: int, loss: float, accuracy: float, images: int, seconds: float) -> None:
        """Step `step`, counted from 1, took `seconds` for `images` images."""
        if self._quiet:
            return
        self._recent.append((seconds, images))
        spent = max(sum(s for s, _ in self._recent), 1e-9)
        speed = sum(n for _, n in self._recent) / spent
        left = spent / len(self._recent) * (self._total - step)
        epoch = f"epoch {(step - 1) // self._steps_per_epoch + 1}/{self._epochs}"
        numbers = f"loss {loss:<9.4g} accuracy {accuracy:6.1%} {speed:6.0f} images/s"
        eta = f"{left // 60:.0f}:{left % 60:02.0f} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=epoch, numbers=numbers, eta=eta)
        elif time.monotonic() >= self._next_line or step == self._total:
            self._next_line = time.monotonic() + LINE_INTERVAL
            print(f"{epoch}  step {step}/{self._total}  {numbers}  {eta}", file=sys.stderr, flush=True)

    def line(self, text: str, important: bool = False) -> None:
        """A line that stays."""
        if self._quiet and not important:
            return
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}", style="cyan"),
        TextColumn("{task.fields[eta]}"),
        console=Console(stderr=True),
        expand=True,
        refresh_per_second=4,
    )
