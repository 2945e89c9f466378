"""Build the handbook: `make docs` writes it to build/site, as pages that open and search without a network.

The pages in docs/ are the handbook's. To these come a reference page for each module that users import from, and a page
for each floor of the house, both from docstrings. A broken link or an unknown name is an error.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import logging
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from house.floors import FLOORS, MODULES  # noqa: E402
from support.public import FACES, find_public  # noqa: E402

SOURCE = ROOT / "build" / "site-source"
SITE = ROOT / "build" / "site"
WORKER = "https://unpkg.com/iframe-worker/shim"  # from which Material's plugin for offline pages loads its worker
REPOSITORY = {"README.md": "start.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}

# Modules that are not TensorFlow's.
OWN = {
    f"minigraph.{name}"
    for name in (
        "data", "distributed", "filters", "inspect.profile", "models", "models.bundle", "models.pretrained", "onnx",
        "quantization", "weights",
    )
}  # fmt: skip
NAV: Mapping[str, tuple[str, ...]] = {
    "Tutorial": ("tutorial.md", "notebooks/README.md"),
    "How to": (
        "training.md", "retrain.md", "layers.md", "branches.md", "models.md", "weights.md", "filters.md", "keras.md",
        "tf1.md", "tensorflow.md", "onnx.md", "quantize.md", "distributed.md", "gpu.md", "memory.md", "profiling.md",
        "random.md", "viz.md", "bench.md", "command.md", "security.md",
    ),
    "How it works": ("how-it-works.md", "passes.md", "loops.md", "llvm.md"),
    "Performance": ("performance.md",),
    "The chapter": ("chapter.md", "derive.md"),
    "Working on it": ("contributing.md", "testing.md", "changelog.md"),
}  # fmt: skip


def reference() -> dict[str, str]:
    """The pages of the reference, by their paths. A name that several modules offer stands on the first page."""
    names: dict[str, list[str]] = {face: [] for face in FACES}
    public = find_public()
    for full in sorted(public):
        names[full.rpartition(".")[0]].append(full)
    pages = {}
    for face in FACES:
        shown = shown_as(face)
        lines = [f"# {shown}", "", (inspect.getdoc(importlib.import_module(face)) or "").partition("\n")[0], ""]
        for full in names[face]:
            value, name = public[full], full.rpartition(".")[2]
            options = [f'      heading: "{shown}.{name}"', f'      toc_label: "{name}"']
            lines += [f"::: {value.__module__}.{value.__qualname__}", "    options:", *options, ""]
        pages[f"reference/{shown}.md"] = "\n".join(lines)
    return pages


def shown_as(face: str) -> str:
    """A module as programs write it, with `import minigraph as tf`."""
    if face == "minigraph.core.errors":
        return "tf.errors"
    if face in OWN:
        return face
    return "tf" + face.removeprefix("minigraph")


def floors() -> dict[str, str]:
    """A page for each floor of the house: what it holds, and its modules."""
    rows = [line.split() for line in FLOORS.split("\n") if line and line != "-"]
    pages = {}
    for number, names in enumerate(rows, 1):
        lines = [f"# {number}. {', '.join(names)}", ""]
        for name in names:
            own = f"minigraph.{name}"
            inner = [m for m in sorted(MODULES) if m == own or (m.startswith(f"{own}.") and not _above(m, own, rows))]
            lines += [f"## {name}", "", _docstring(MODULES[own]), ""]
            lines += [
                f"- `{module.removeprefix(f'{own}.')}`: {_docstring(MODULES[module]).partition(chr(10))[0]}"
                for module in inner
                if module != own
            ]
            lines.append("")
        pages[f"floors/{number:02}-{names[0]}.md"] = "\n".join(lines)
    return pages


def _above(module: str, own: str, rows: Iterable[list[str]]) -> bool:
    """Whether a module of a folder stands on a floor of its own."""
    others = {f"minigraph.{name}" for row in rows for name in row} - {own}
    return any(module == other or module.startswith(f"{other}.") for other in others if other.startswith(f"{own}."))


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


def moved(text: str, page: Path) -> str:
    """A page's text with links as they are in the handbook. page: its path in the repository."""

    def replace(match: re.Match[str]) -> str:
        target, anchor = match.group(1), match.group(2) or ""
        if "://" in target or not target:
            return match.group(0)
        found = (ROOT / page.parent / target).resolve()
        inside = found.relative_to(ROOT).as_posix()
        if inside in REPOSITORY:
            new = REPOSITORY[inside]
        elif inside.startswith("docs/"):
            new = inside.removeprefix("docs/")
        else:
            return f"`{inside}`"  # a file of the source, which the handbook does not hold
        depth = len(page.relative_to("docs").parts) - 1 if page.parts[0] == "docs" else 0
        return f"]({'../' * depth}{new}{anchor})"

    prose = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    pattern = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
    for i in range(0, len(prose), 2):
        prose[i] = pattern.sub(lambda m: replace(m) if replace(m)[0] == "]" else f"]({'#'})", prose[i])
    return "".join(prose)


def write_source(target: Path = SOURCE) -> list[str]:
    """Write all pages into a folder. Returns their paths."""
    shutil.rmtree(target, ignore_errors=True)
    pages: dict[str, str] = {**reference(), **floors()}
    for path in [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in REPOSITORY)]:
        inside = path.relative_to(ROOT)
        name = REPOSITORY.get(inside.as_posix()) or inside.relative_to("docs").as_posix()
        pages[name] = moved(path.read_text("utf-8"), inside)
    for name, text in pages.items():
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    for path in (ROOT / "docs").rglob("*"):
        inside = path.relative_to(ROOT / "docs")
        if path.suffix in (".png", ".svg", ".ipynb") and inside.parts[0] != "site":
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / inside)
    return sorted(pages)


def navigation(pages: Iterable[str]) -> list[Any]:
    """The menu: the parts of `NAV`, each floor under How it works, the reference, Keras apart, the decisions."""
    pages = list(pages)
    inside = {folder: [page for page in pages if page.startswith(f"{folder}/")] for folder in ("floors", "decisions")}
    menu: list[Any] = [{"Home": ["index.md", {"README": "start.md"}]}]
    for title, names in NAV.items():
        more = {"How it works": inside["floors"], "Working on it": inside["decisions"]}.get(title, [])
        menu.append({title: names[0] if len(names) == 1 else [*names, *more]})
    modules = [f"reference/{shown}.md" for shown in map(shown_as, FACES)]
    keras = [page for page in modules if page.startswith("reference/tf.keras.")]
    first = modules.index(keras[0])
    menu.insert(3, {"Reference": [*modules[:first], {"tf.keras": keras}, *modules[first + len(keras) :]]})
    return menu


def settings(pages: Iterable[str]) -> dict[str, Any]:
    """The settings of MkDocs."""
    options = {
        "docstring_style": "google", "show_root_heading": True, "heading_level": 2, "show_source": False,
        "show_signature_annotations": False, "separate_signature": True, "members_order": "source",
        "docstring_options": {"warnings": False}, "show_root_full_path": False, "merge_init_into_class": True,
        "extensions": [str(ROOT / "docs" / "site" / "docstrings.py")],
    }  # fmt: skip
    return {
        "site_name": "minigraph", "docs_dir": str(SOURCE), "site_dir": str(SITE),
        "use_directory_urls": False, "strict": True, "nav": navigation(pages),
        "theme": {
            "name": "material", "font": False,
            "features": ["navigation.tabs", "content.code.copy", "search.highlight", "toc.follow"],
            "palette": [
                {"media": "(prefers-color-scheme: light)", "scheme": "default"},
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
            ],
        },
        "markdown_extensions": ["tables", "pymdownx.superfences", "pymdownx.highlight", {"toc": {"permalink": True}}],
        "plugins": [
            "search", "offline",
            {"mkdocstrings": {"handlers": {"python": {"paths": [_packages()], "options": options}}}},
        ],
        "validation": {"links": {"not_found": "warn", "anchors": "warn", "absolute_links": "warn"}},
    }  # fmt: skip


def _packages() -> str:
    """The folder that holds the installed package."""
    import minigraph

    return str(Path(minigraph.__path__[0]).parent)


def stay_offline(site: Path) -> None:
    """Let the pages load their search from the folder. ValueError if a page still loads a script from elsewhere."""
    shutil.copy(ROOT / "docs" / "site" / "worker.js", site / "assets" / "worker.js")
    for page in site.rglob("*.html"):
        depth = len(page.relative_to(site).parts) - 1
        text = page.read_text("utf-8").replace(WORKER, "../" * depth + "assets/worker.js")
        if found := re.findall(r'<(?:script|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]*)', text):
            raise ValueError(f"{page} loads {found[0]}")
        page.write_text(text, "utf-8")


def main() -> None:
    """Write the source of the pages, and build them."""
    try:
        from mkdocs.commands.build import build
        from mkdocs.config.base import load_config
    except ImportError:
        raise SystemExit('the handbook needs MkDocs: pip install ".[docs]"') from None
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    pages = write_source()
    file = SOURCE.with_suffix(".yml")
    file.write_text(json.dumps(settings(pages), indent=1), "utf-8")  # JSON is YAML
    config = load_config(str(file))
    config.plugins.run_event("startup", command="build", dirty=False)
    build(config)
    stay_offline(SITE)
    print(f"wrote {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
