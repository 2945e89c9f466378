"""What the shell completes: names of models, backends, stages and data sets, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def choices(names: Callable[[], Iterable[tuple[str, str]]], files: bool = False) -> Complete:
    """Completes names, each with a help text. files: or else files."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        typed = incomplete.replace("_", "-")
        found = [CompletionItem(n, help=text) for n, text in names() if n.replace("_", "-").startswith(typed)]
        return [*found, CompletionItem(incomplete, type="file")] if files else found

    return complete


def _models() -> Iterable[tuple[str, str]]:
    from minigraph.models.registry import MODELS

    return [(model.name, model.summary) for model in MODELS]


def _recipes() -> Iterable[tuple[str, str]]:
    from minigraph.models.registry import MODELS

    return [(model.name, model.summary) for model in MODELS if model.recipe is not None]


def _backends() -> Iterable[tuple[str, str]]:
    from minigraph.backend.discovery import AUTO, backend_names

    return [(name, "") for name in (AUTO, *backend_names())]


def _stages() -> Iterable[tuple[str, str]]:
    from minigraph.passes import PIPELINE

    names: dict[str, str] = {"before": "the graph itself", "after": "after all passes"}
    for entry in PIPELINE:
        names.setdefault(entry.run.name, (entry.run.__doc__ or "").strip().partition("\n")[0])
    return names.items()


def _data() -> Iterable[tuple[str, str]]:
    from minigraph.data.named import NAMES

    return [(name, "") for name in ("sample", *NAMES)]


models, targets, recipes = choices(_models), choices(_models, files=True), choices(_recipes)
backends, stages, data = choices(_backends), choices(_stages), choices(_data, files=True)
