"""Layers around another layer: over the steps of sequences, and in both directions."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.types import TensorShape
from minigraph.keras import backend as K
from minigraph.keras.base_layer import Layer
from minigraph.keras.layers.recurrent import RecurrentLayer
from minigraph.keras.masks import takes
from minigraph.keras.network import layer_from_config
from minigraph.layers.structures import alone, flat
from minigraph.ops.array.joining import concat
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.reversal import reverse
from minigraph.ops.array.shape import packed
from minigraph.ops.array.shape import shape as shape_of

__all__ = ["Bidirectional", "TimeDistributed", "Wrapper"]


class Wrapper(Layer):
    """The base class of layers around another one.

    Args:
        layer: The layer.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: It is no layer.

    Example:
        >>> tf.keras.layers.Wrapper(tf.keras.layers.Dense(3)).layer.units
        3
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `{type(self).__name__}` layer with a `Layer` instance. You passed: {layer!r}"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def get_config(self) -> dict[str, Any]:
        inner = {"class_name": type(self.layer).__name__, "config": self.layer.get_config()}
        return {**super().get_config(), "layer": inner}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(layer_from_config(config.pop("layer")), **config)


class TimeDistributed(Wrapper):
    """A layer on each step of sequences [batch, time, …].

    Args:
        layer: The layer.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: It is no layer.

    Example:
        >>> layer = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(3))
        >>> layer(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 5, 3]
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer.build(TensorShape([input_shape[0], *input_shape[2:]]))
            self.layer.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Compute the results.

        Args:
            inputs: The inputs, as for a call.
            training: Whether it is training, for the inner layer; by default it finds out itself.
            mask: The mask of the inputs, for the inner layer.

        Returns:
            The results.
        """
        steps, more = shape_of(inputs), {} if training is None else {"training": training}
        if mask is not None and takes(self.layer.call, "mask") and inputs.shape.as_list()[0] is None:
            more["mask"] = _joined_axes(mask)
        y = self.layer(_joined_axes(inputs), **more)
        result = reshape(y, packed([steps[0], steps[1], *y.shape.as_list()[1:]]))
        result.set_shape([*inputs.shape.as_list()[:2], *y.shape.as_list()[1:]])
        return result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        # The mask that the inner layer gives each step; otherwise that of the steps.
        if inputs.shape.as_list()[0] is not None:
            return mask
        inner = self.layer.compute_mask(_joined_axes(inputs), None if mask is None else _joined_axes(mask))
        if inner is None:
            return None if mask is None else K.any(mask, list(range(2, mask.type.rank))) if mask.type.rank > 2 else mask
        steps = shape_of(inputs)
        return reshape(inner, packed([steps[0], steps[1], *inner.shape.as_list()[1:]]))


def _joined_axes(x: Tensor) -> Tensor:
    """The steps of all sequences, one after another."""
    return reshape(x, [-1, *x.shape.as_list()[2:]])


class Bidirectional(Wrapper):
    """A recurrent layer and a copy of it that begins with the last step; their results joined.

    Args:
        layer: The recurrent layer.
        merge_mode: "concat", "sum", "mul", "ave", or None for a list of both results.
        weights: The initial weights.
        backward_layer: The layer that begins with the last step, in place of a copy.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: `layer` is no recurrent layer, `backward_layer` begins with the same step, or there is no such
            `merge_mode`.

    Example:
        >>> layer = tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(3))
        >>> layer(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 6]
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if merge_mode not in (*_MERGES, None):
            raise ValueError(f"Invalid merge mode. Merge mode should be one of {sorted(_MERGES)} or None")
        Layer.__init__(self, **kwargs)
        if not isinstance(layer, RecurrentLayer):
            raise ValueError(f"Please initialize `Bidirectional` layer with a recurrent layer. You passed: {layer!r}")
        self.merge_mode = merge_mode
        self._given = object_config(layer), None if backward_layer is None else object_config(backward_layer)
        config = layer.get_config()
        self.forward_layer = type(layer).from_config({**config, "name": f"forward_{layer.name}"})
        if backward_layer is None:
            turned = {"name": f"backward_{layer.name}", "go_backwards": not config["go_backwards"]}
            self.backward_layer = type(layer).from_config({**layer.get_config(), **turned})
        else:
            if backward_layer.go_backwards == layer.go_backwards:
                raise ValueError("Forward layer and backward layer should have different `go_backwards` value.")
            self.backward_layer = backward_layer
        if weights is not None:
            half = len(weights) // 2
            self.forward_layer._initial_weights = list(weights[:half])
            self.backward_layer._initial_weights = list(weights[half:])
        self.forward_layer.zero_output_for_mask = self.forward_layer.return_sequences
        self.backward_layer.zero_output_for_mask = self.backward_layer.return_sequences
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful = layer.stateful
        self.time_major = layer.time_major

    def build(self, input_shape: Any) -> None:
        self.built = True  # the layers make their weights when they are called

    def __call__(self, inputs: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        """Apply both layers.

        Args:
            inputs: Sequences [batch, time, features], or a list of them and of initial states.
            initial_state: Tensors [batch, units]: the states of the first layer, and those of the other.
            **kwargs: Arguments of `call`.

        Returns:
            The results, and the last states if the layers give them.
        """
        if initial_state is not None:
            inputs = [*flat(inputs), *flat(initial_state)]
        return super().__call__(inputs, **kwargs)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Compute the results.

        Args:
            inputs: The inputs, as for a call.
            training: Whether it is training, for the inner layer; by default it finds out itself.
            mask: The mask of the inputs, a bool tensor [batch, time]; None for none.

        Returns:
            The results.
        """
        x, *states = flat(inputs)
        half = len(states) // 2
        more = {} if training is None else {"training": training}
        more |= {} if mask is None else {"mask": flat(mask)[0]}
        first, *after = flat(self.forward_layer(x, initial_state=states[:half] or None, **more))
        second, *behind = flat(self.backward_layer(x, initial_state=states[half:] or None, **more))
        if self.return_sequences:
            second = reverse(second, [0 if self.time_major else 1])
        if self.merge_mode is None:
            return [first, second, *after, *behind]
        merged = _MERGES[self.merge_mode](first, second)
        return [merged, *after, *behind] if self.return_state else merged

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        found = flat(mask)[0] if self.return_sequences else None
        results = [found] if self.merge_mode else [found, found]
        states = self.forward_layer.states * 2 if self.return_state else []
        return alone([*results, *(None for _ in states)])

    def reset_states(self) -> None:
        """Set the states of both layers to zeros.

        Raises:
            AttributeError: The layers are not stateful.
        """
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def get_config(self) -> dict[str, Any]:
        inner, other = self._given
        more = {} if other is None else {"backward_layer": other}
        return {**Layer.get_config(self), "layer": inner, "merge_mode": self.merge_mode, **more}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        other = config.pop("backward_layer", None)
        given = {} if other is None else {"backward_layer": layer_from_config(other)}
        return cls(layer_from_config(config.pop("layer")), **config, **given)


def object_config(layer: Layer) -> dict[str, Any]:
    """The class and the configuration of a layer."""
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def _ave(a: Tensor, b: Tensor) -> Tensor:
    return (a + b) / 2


_MERGES: dict[str, Any] = {
    "ave": _ave, "concat": lambda a, b: concat([a, b], -1), "mul": lambda a, b: a * b, "sum": lambda a, b: a + b,
}  # fmt: skip
