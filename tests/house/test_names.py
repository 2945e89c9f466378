"""Names in the package: a class name has one meaning."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from support.public import find_public

ROOT = Path(__file__).parents[2]
FOLDERS = ("minigraph", "backends", "models", "tools")


def test_no_class_name_occurs_twice() -> None:
    """Private helpers (`_Name`) are exempt: they never leave their file. So are the names of tf.keras's interface."""
    published = {name.rpartition(".")[2] for name in find_public() if ".keras." in name}
    assert len(published) > 200, "found too few names of tf.keras; was it moved?"
    places: dict[str, list[str]] = defaultdict(list)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            keras = file.is_relative_to(ROOT / "minigraph" / "keras")
            for name in re.findall(r"^ *class ([A-Za-z]\w*)", file.read_text("utf-8"), re.MULTILINE):
                if not (keras and name in published):
                    places[name].append(str(file.relative_to(ROOT)))
    assert len(places) > 300, "found too few classes; were the folders moved?"
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
