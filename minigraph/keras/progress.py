"""The lines that training prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any


class Progbar:
    """Shows progress, and means of values, on standard output.

    Args:
        target: Number of examples or steps; None if it is unknown.
        width: Width of the bar, in characters.
        verbose: 1 for a bar that moves, 2 for one line at the end, 0 for nothing.
        interval: Seconds between two changes of the bar.
        stateful_metrics: Names of values that are shown as they are; of others the mean is shown.
        unit_name: What is counted, for the time of each.

    Example:
        >>> bar = tf.keras.utils.Progbar(2, verbose=2)
        >>> bar.update(1, [("loss", 3.0)])
        >>> bar.update(2, [("loss", 1.0)])
        2/2 - 0s - loss: 2.0000
    """

    def __init__(
        self, target: int | None, width: int = 30, verbose: int = 1, interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None, unit_name: str = "step",
    ) -> None:  # fmt: skip
        self.target, self.width, self.verbose, self.interval = target, width, verbose, interval
        self.stateful_metrics, self.unit_name = set(stateful_metrics or ()), unit_name
        self._values: dict[str, list[float]] = {}  # sums and counts
        self._seen, self._shown, self._start, self._length = 0, 0.0, time.time(), 0

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Count more examples or steps.

        Args:
            n: How many came since the last call.
            values: Pairs of names and values.
        """
        self.update(self._seen + n, values)

    def update(self, current: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show how many examples or steps are done.

        Args:
            current: How many there are so far.
            values: Pairs of names and values.
        """
        for name, value in values or ():
            if name in self.stateful_metrics:
                self._values[name] = [float(value), 1]
            else:
                total, count = self._values.get(name, [0.0, 0])
                self._values[name] = [total + float(value) * (current - self._seen), count + current - self._seen]
        self._seen = current
        now, done = time.time(), self.target is not None and current >= self.target
        if self.verbose == 1 and (done or now - self._shown >= self.interval):
            self._shown = now
            self._show(f"{self._bar(current)} - {self._times(current, now, done)}{self._texts()}", "\r", done)
        if self.verbose == 2 and done:
            self._show(f"{current}/{self.target} - {now - self._start:.0f}s{self._texts()}", "", True)

    def _bar(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        filled = int(self.width * current / max(self.target, 1))
        bar = "=" * filled if filled == self.width else "=" * max(filled - 1, 0) + ">" * (filled > 0)
        return f"{current:{len(str(self.target))}d}/{self.target} [{bar.ljust(self.width, '.')}]"

    def _times(self, current: int, now: float, done: bool) -> str:
        spent = now - self._start
        each = spent / max(current, 1)
        if self.target is not None and not done:
            return f"ETA: {each * (self.target - current):.0f}s"
        shown = f"{each:.0f}s" if each >= 1 else f"{each * 1e3:.0f}ms" if each >= 1e-3 else f"{each * 1e6:.0f}us"
        return f"{spent:.0f}s {shown}/{self.unit_name}"

    def _texts(self) -> str:
        means = {name: total / max(count, 1) for name, (total, count) in self._values.items()}
        return "".join(f" - {n}: {v:.4f}" if abs(v) > 1e-3 else f" - {n}: {v:.4e}" for n, v in means.items())

    def _show(self, line: str, start: str, done: bool) -> None:
        sys.stdout.write(start + line.ljust(self._length) + ("\n" if done else ""))
        sys.stdout.flush()
        self._length = 0 if done else len(line)
