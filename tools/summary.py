"""`minigraph summary`: the layers of a network."""

from __future__ import annotations

import click

from minigraph.tools.shared.options import debug_option, number


@click.command()
@click.argument("model")
@click.option("--batch-size", type=number(whole=True, least=1), default=1, show_default=True, help="Images at a time.")
@click.option("--image-size", type=number(whole=True, least=1), help="Pixels on a side [default: the model's].")
@debug_option
def summary(model: str, batch_size: int, image_size: int | None) -> None:
    """Show the layers of MODEL with shapes, parameters, FLOPs and activation memory, for inference.

    `minigraph models` lists the models.
    """
    from minigraph.models.registry import get_model
    from minigraph.tools.layer_table import print_table, summarise

    print_table(summarise(get_model(model), batch_size, image_size))
