"""Progress of long work: a live bar on a terminal, otherwise a plain line every few seconds."""

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


class _Reporter:
    """Lines on stderr, and a bar if stderr is a terminal. Use in a `with` block. quiet: print only important lines."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._next_line = 0.0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def line(self, text: str, important: bool = False) -> None:
        """Print a permanent line."""
        if self._quiet and not important:
            return
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def _is_time(self) -> bool:
        """Whether the next plain line is due."""
        due = time.monotonic() >= self._next_line
        if due:
            self._next_line = time.monotonic() + LINE_INTERVAL
        return due


class Counter(_Reporter):
    """Reports the number of finished items and the time left."""

    def __init__(self, what: str, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._what = what
        self._started = time.monotonic()
        self._first = 0
        if not quiet and sys.stderr.isatty():
            self._bar = _bar(transient=True)
            self._task = self._bar.add_task(what, total=None, numbers="", eta="")

    def start(self, done: int) -> None:
        """Start the clock; `done` items were finished before."""
        self._started, self._first = time.monotonic(), done

    def update(self, done: int, total: int) -> None:
        """Report `done` of `total` items."""
        if self._quiet:
            return
        spent = time.monotonic() - self._started
        left = spent / max(done - self._first, 1) * (total - done)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, eta=_left(left))
        elif spent >= LINE_INTERVAL and self._is_time():
            print(f"{self._what}: {done} of {total}, {_left(left)}", file=sys.stderr, flush=True)


class TrainingProgress(_Reporter):
    """Reports steps on stderr. Use in a `with` block.

    total, done: steps of the whole run, and of the earlier part that is resumed.
    steps_per_epoch: for the epoch's number.
    quiet: print only lines marked important.
    """

    def __init__(self, total: int, done: int, steps_per_epoch: int, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._total, self._steps_per_epoch = total, steps_per_epoch
        self._epochs = -(-total // steps_per_epoch)
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)
        if not quiet and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task("", total=total, completed=done, numbers="", eta="")

    def step(self, step: int, loss: float, accuracy: float, images: int, seconds: float) -> None:
        """Report that step `step`, counted from 1, took `seconds` for `images` images."""
        if self._quiet:
            return
        self._recent.append((seconds, images))
        spent = max(sum(s for s, _ in self._recent), 1e-9)
        speed = sum(n for _, n in self._recent) / spent
        left = spent / len(self._recent) * (self._total - step)
        epoch = f"epoch {(step - 1) // self._steps_per_epoch + 1}/{self._epochs}"
        numbers = f"loss {loss:<9.4g} accuracy {accuracy:6.1%} {speed:6.0f} images/s"
        eta = _left(left)
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=epoch, numbers=numbers, eta=eta)
        elif self._is_time() or step == self._total:
            print(f"{epoch}  step {step}/{self._total}  {numbers}  {eta}", file=sys.stderr, flush=True)


def _left(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} left"


def _bar(transient: bool = False) -> Progress:
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
        transient=transient,
        refresh_per_second=4,
    )
