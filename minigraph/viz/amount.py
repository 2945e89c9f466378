"""Formats of numbers in pictures."""

from __future__ import annotations


def amount(value: int, unit: str) -> str:
    """`1.23 GFLOP`, `12 kB`: three digits and a decimal prefix."""
    number, prefix = float(value), ""
    for prefix in ("", "k", "M", "G", "T", "P"):  # noqa: B007
        if number < 999.5:
            break
        number /= 1000
    digits = f"{number:.0f}" if not prefix else f"{number:.3g}"
    return f"{digits} {prefix}{unit}"


def milliseconds(seconds: float) -> str:
    """`12.3 ms`: three digits; measured times are never more exact."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds * 1e3:.0f} ms"
