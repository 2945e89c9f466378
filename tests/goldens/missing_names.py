"""The names of TensorFlow that at least two programs below a folder use and minigraph lacks, and the share of the others.

python missing_names.py FOLDER
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from minigraph.tools.symbols import used_symbols


def main() -> None:
    used: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    complete = read = 0
    for path in sorted(Path(sys.argv[1]).rglob("*.py")):
        try:
            found = used_symbols(path.read_text("utf-8"), str(path))
        except (SyntaxError, UnicodeDecodeError):
            continue
        if found:
            read += 1
            complete += all(symbol.present for symbol in found)
            used.update(symbol.path for symbol in found)
            missing.update(symbol.path for symbol in found if not symbol.present)
    shared = [name for name, count in used.items() if count > 1]
    there = sum(name not in missing for name in shared)
    for name, count in missing.most_common():
        if count > 1:
            print(f"{count:5} tf.{name}")
    print(
        f"{complete} of {read} files use only names that are there; of {len(shared)} names in two files or more {there} are"
    )


if __name__ == "__main__":
    main()
