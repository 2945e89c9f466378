"""The table of a model's layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigraph.keras.state import state_of


def print_summary(
    model: Any, line_length: int | None, positions: Sequence[float] | None, show: Callable[[str], Any]
) -> None:
    """Print the layers with shapes and numbers of weights and, unless they form a chain, what each follows."""
    graph = getattr(model, "_graph", None)
    straight = graph is None or (
        all(len(c.inputs) < 2 for c in graph.calls)
        and all(sum(any(t in c.inputs for t in made.results) for c in graph.calls) < 2 for made in graph.calls)
    )
    width = line_length or (65 if straight else 98)
    shares = list(positions or ([0.45, 0.85, 1.0] if straight else [0.33, 0.55, 0.67, 1.0]))
    stops = [int(width * s) for s in shares] if shares[-1] <= 1 else [int(s) for s in shares]

    def row(fields: Sequence[str]) -> None:
        line = ""
        for i, (field, stop) in enumerate(zip(fields, stops, strict=False)):
            line = (line[:-1] + " " if i else "") + field
            line = line[:stop].ljust(stop)
        show(line)

    show(f'Model: "{model.name}"')
    show("_" * width)
    row(["Layer (type)", "Output Shape", "Param #", "Connected to"][: len(stops)])
    show("=" * width)
    layers = model.layers
    for i, layer in enumerate(layers):
        _rows(layer, graph, straight, row)
        show(("=" if i == len(layers) - 1 else "_") * width)
    trained, fixed = (sum(v.type.size for v in some) for some in (model.trainable_weights, model.non_trainable_weights))
    show(f"Total params: {trained + fixed:,}")
    show(f"Trainable params: {trained:,}")
    show(f"Non-trainable params: {fixed:,}")
    show("_" * width)


def _shape_of(layer: Any) -> str:
    if not layer._calls:
        return "multiple"
    shape = layer.output_shape
    return str([shape]) if hasattr(layer, "is_placeholder") else str(shape)


def _rows(layer: Any, graph: Any, straight: bool, row: Callable[[Sequence[str]], None]) -> None:
    count = str(layer.count_params()) if layer.built else "0 (unused)"
    fields = [f"{layer.name} ({type(layer).__name__})", _shape_of(layer), count]
    if straight:
        row(fields)
        return
    sources = []
    for tensor in (t for call in graph.calls_of(layer) for t in call.inputs):
        maker, number, place = state_of(tensor.graph).history[tensor]
        sources.append(f"{maker.name}[{number}][{place}]")
    row([*fields, sources[0] if sources else ""])
    for source in sources[1:]:
        row(["", "", "", source])
