"""`make fuzz-files`: damaged files of every format that minigraph reads. Only minigraph's errors may come out.

`python -m fuzz.files` goes on where the last call stopped. Input n of a reader is a fixed change of one of its
examples, which minigraph and its formats' packages make, so only the numbers are kept. A finding is another exception,
more than SECONDS, or more than BYTES; its file is saved beside the log of counts. Where atheris is installed,
`--guided READER` lets it search by coverage from the same examples.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from fuzz.file_examples import READERS
from minigraph.core.errors import MinigraphError
from minigraph.util.files import atomic_write

SECONDS, BYTES = 10, 600 << 20  # of one input; the fuzzer's own process counts, too
ROUND = 100  # inputs of one reader before those of the next
_TRACED = 16  # every 16th input is read with its memory traced, which is slow
_NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]


class TooLongError(BaseException):
    """An input took more than SECONDS of processor time. No reader may catch it."""


class Finding(NamedTuple):
    """What is wrong with an input, and the input."""

    reader: str
    number: int
    message: str
    content: bytes


def changed(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A content with one to four changes: bits, bytes, numbers, pieces moved, cut, repeated, or of another example."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(out) + 1)
        length = min(rng.choice((1, 2, 4, 8, 32, 256)), len(out) - place)
        kind = rng.randrange(8)
        if kind == 0 and place < len(out):
            out[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place < len(out):
            out[place] = rng.randrange(256)
        elif kind == 2:
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice(_NUMBERS) & ((1 << 8 * size) - 1)
            out[place : place + size] = number.to_bytes(size, rng.choice(("little", "big")))
        elif kind == 3:
            del out[place : place + length]
        elif kind == 4:
            out[place:place] = out[place : place + length] * rng.choice((1, 2, 16))
        elif kind == 5:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            out[place : place + length] = other[start : start + length]
        elif kind == 6:
            out[place:place] = rng.randbytes(length)
        elif rng.random() < 0.2:
            del out[place:]
    return bytes(out)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TooLongError in a `with` block that takes more processor time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def complaint(read: Callable[[Path], Any], path: Path, traced: bool) -> str | None:
    """What is wrong with how a reader takes a file; None if it reads it, or raises an error of minigraph."""
    if traced:
        tracemalloc.start()
    try:
        with limited(SECONDS):
            read(path)
    except MinigraphError:
        pass
    except TooLongError:
        return f"it takes more than {SECONDS} s"
    except Exception:
        return traceback.format_exc()
    finally:
        peak = tracemalloc.get_traced_memory()[1] if traced else 0
        tracemalloc.stop()
    return f"it takes {peak:,} bytes" if peak > BYTES else None


@cache
def examples(reader: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return READERS[reader].examples(Path(folder))


def content_of(reader: str, number: int) -> bytes:
    """Input `number` of a reader."""
    known, rng = examples(reader), random.Random(f"{reader} {number}")
    return changed(rng.choice(known), known, rng)


def check(reader: str, number: int, path: Path) -> Finding | None:
    """Give a reader an input, written to `path`."""
    content = content_of(reader, number)
    path.write_bytes(content)
    message = complaint(READERS[reader].read, path, number % _TRACED == 0)
    return None if message is None else Finding(reader, number, message, content)


def search(folder: Path, until: float, readers: list[str]) -> int:
    """Check inputs of all readers in turn; returns the number of findings."""
    log = folder / "counts.json"
    counts: dict[str, int] = json.loads(log.read_text("utf-8")) if log.exists() else {}
    findings = 0
    with tempfile.TemporaryDirectory() as place:
        while time.monotonic() < until:
            for reader in readers:
                first = counts.get(reader, 0)
                for number in range(first, first + ROUND):
                    found = check(reader, number, Path(place) / READERS[reader].file)
                    if found is not None:
                        findings += 1
                        path = folder / f"{reader}-{number}"
                        path.write_bytes(found.content)
                        print(f"{reader} {number}, {path}: {found.message}", flush=True)
                counts[reader] = first + ROUND
            with atomic_write(log, "w") as file:
                file.write(json.dumps(counts, indent=1, sort_keys=True))
    print(f"{sum(counts.values()):,} inputs so far: {', '.join(f'{n} {c:,}' for n, c in sorted(counts.items()))}")
    return findings


def guided(reader: str) -> None:
    """Search by coverage, with atheris, until Ctrl-C or a finding."""
    import atheris

    place = Path(tempfile.mkdtemp()) / READERS[reader].file

    def give(content: bytes) -> None:
        place.write_bytes(content)
        if (message := complaint(READERS[reader].read, place, False)) is not None:
            raise RuntimeError(message)

    corpus = place.parent / "corpus"
    corpus.mkdir()
    for i, content in enumerate(examples(reader)):
        (corpus / str(i)).write_bytes(content)
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], str(corpus)], give)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz.files", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=Path("runs/fuzz-files"))
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="only this one")
    parser.add_argument("--guided", choices=sorted(READERS), help="search by coverage, with atheris")
    options = parser.parse_args()
    if options.guided:
        guided(options.guided)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    sys.exit(search(options.folder, time.monotonic() + 60 * options.minutes, options.reader or sorted(READERS)) > 0)


if __name__ == "__main__":
    main()
