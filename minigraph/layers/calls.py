"""The inputs and results of a layer's calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minigraph.core.graph import Tensor
from minigraph.layers.structures import alone, as_tuples, flat, shapes_of


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of a layer: its input tensors, in the structure of the argument, and its results."""

    layer: Any
    given: Any
    results: list[Tensor]
    arguments: dict[str, Any]

    @property
    def inputs(self) -> list[Tensor]:
        """The input tensors."""
        return flat(self.given)


class CalledLayer:
    """A layer that remembers its calls, in their order."""

    name: Any
    _calls: list[LayerCall]

    def _call_at(self, node_index: int, what: str) -> LayerCall:
        if not self._calls:
            raise RuntimeError(f"The layer has never been called and thus has no defined {what}.")
        if node_index >= len(self._calls):
            raise ValueError(
                f"Asked to get {what} at node {node_index}, but the layer has only {len(self._calls)} inbound nodes."
            )
        return self._calls[node_index]

    @property
    def input(self) -> Any:
        """The input of the layer's first call: a tensor, or a list of them."""
        if not self._calls:
            raise AttributeError(f"Layer {self.name} is not connected, no input to return.")
        return self._calls[0].given

    @property
    def output(self) -> Any:
        """The result of the layer's first call: a tensor, or a list of them."""
        if not self._calls:
            raise AttributeError(f"Layer {self.name} has no inbound nodes.")
        return alone(self._calls[0].results)

    def get_input_at(self, node_index: int) -> Any:
        """The input of a call of the layer.

        Args:
            node_index: The number of the call, from 0.

        Returns:
            A tensor, or a list of them.

        Raises:
            RuntimeError: The layer has not been called.
            ValueError: There are fewer calls.
        """
        return self._call_at(node_index, "input").given

    def get_output_at(self, node_index: int) -> Any:
        """The result of a call of the layer.

        Args:
            node_index: The number of the call, from 0.

        Returns:
            A tensor, or a list of them.

        Raises:
            RuntimeError: The layer has not been called.
            ValueError: There are fewer calls.
        """
        return alone(self._call_at(node_index, "output").results)

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shape of the input of a call of the layer.

        Args:
            node_index: The number of the call, from 0.

        Returns:
            A tuple of sizes, None for unknown ones, or a list of tuples.

        Raises:
            RuntimeError: The layer has not been called.
            ValueError: There are fewer calls.
        """
        return as_tuples(shapes_of(self._call_at(node_index, "input shape").given))

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shape of the result of a call of the layer.

        Args:
            node_index: The number of the call, from 0.

        Returns:
            A tuple of sizes, None for unknown ones, or a list of tuples.

        Raises:
            RuntimeError: The layer has not been called.
            ValueError: There are fewer calls.
        """
        return as_tuples(shapes_of(alone(self._call_at(node_index, "output shape").results)))

    @property
    def input_shape(self) -> Any:
        """The shape of the input of all calls: a tuple of sizes, or a list of tuples."""
        return self._same([self.get_input_shape_at(i) for i in range(len(self._calls))], "input shape")

    @property
    def output_shape(self) -> Any:
        """The shape of the result of all calls: a tuple of sizes, or a list of tuples."""
        return self._same([self.get_output_shape_at(i) for i in range(len(self._calls))], "output shape")

    def _same(self, shapes: list[Any], what: str) -> Any:
        if not shapes:
            raise AttributeError(f"The layer has never been called and thus has no defined {what}.")
        if any(shape != shapes[0] for shape in shapes):
            raise AttributeError(
                f'The layer "{self.name}" has multiple inbound nodes, with different {what}s. Hence the notion of '
                f'"{what}" is ill-defined for the layer. Use `get_{what.replace(" ", "_")}_at(node_index)` instead.'
            )
        return shapes[0]
