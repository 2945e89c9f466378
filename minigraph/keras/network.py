"""Networks: the layers between some inputs and outputs, in TensorFlow's order; their configurations and weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minigraph.core.graph import Node, Tensor
from minigraph.graphs.walk import needed
from minigraph.keras import lookup
from minigraph.keras.base_layer import Layer
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.masks import mask_of, set_masks, takes
from minigraph.keras.state import state_of
from minigraph.layers.calls import LayerCall
from minigraph.layers.structures import alone, as_tuples, flat, shapes_of
from minigraph.util.nest import listed

KERAS_VERSION = "2.2.4-tf"  # of TensorFlow 1.15, for files


class OpLayer(FieldLayer):
    """An op of the graph as a layer, for tensors that no layer made."""

    op: Any

    def __init__(self, op: Node, **kwargs: Any) -> None:
        super().__init__(op, name=f"tf_op_layer_{op.name}", **kwargs)
        self.built = True

    def call(self, inputs: Any) -> Any:
        given = listed(inputs)
        return self.op.graph.add(self.op.op, given, self.op.type).outputs

    def get_config(self) -> dict[str, Any]:
        """Refused: a configuration does not hold ops."""
        raise NotImplementedError(f"{self.name} is an op outside of all layers; put it into a Lambda layer")


def call_of(tensor: Tensor) -> tuple[LayerCall, int]:
    """The call that made a tensor, and the tensor's number among its results."""
    history = state_of(tensor.graph).history
    if tensor not in history:
        node = tensor.node
        layer = OpLayer(node)
        layer._note(LayerCall(layer, list(node.inputs), list(node.outputs), {}))
    layer, index, place = history[tensor]
    return layer._calls[index], place


def _depends(node: Node, inputs: Iterable[Tensor]) -> bool:
    return bool(needed([node]) & {t.node for t in inputs})


class LayerGraph:
    """The calls between inputs and outputs, by depth; layers in TensorFlow's order.

    calls: ordered so that each comes after the calls it needs. ValueError if an output does not follow from the inputs.
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        self._order: dict[Layer, int] = {}
        self._finished: list[int] = []
        self._calls: dict[int, LayerCall] = {}
        self._above: dict[int, list[int]] = {}
        for tensor in outputs:
            self._visit(tensor)
        depths, by_layer = self._depths()
        self.calls = [self._calls[key] for key in sorted(self._finished, key=lambda k: -depths[k])]
        self.layers = sorted(by_layer, key=lambda layer: (-by_layer[layer], self._order[layer]))
        names = [layer.name for layer in self.layers]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f'The name "{twice[0]}" is used 2 times in the model. All layer names should be unique.')

    def _visit(self, tensor: Tensor) -> int:
        """The key of the call that made a tensor, after the visits of those before it."""
        made, _ = call_of(tensor)
        key = id(made.results)
        if key in self._above:
            return key
        self._order.setdefault(made.layer, len(self._order))
        self._calls[key], self._above[key] = made, []
        if tensor not in self.inputs:
            if not made.inputs and isinstance(made.layer, Layer) and hasattr(made.layer, "is_placeholder"):
                raise ValueError(
                    f'Graph disconnected: cannot obtain value for tensor {tensor} at layer "{made.layer.name}".'
                )
            for given in made.inputs:
                if not isinstance(made.layer, OpLayer) or _depends(given.node, self.inputs):
                    self._above[key].append(self._visit(given))
        self._finished.append(key)
        return key

    def _depths(self) -> tuple[dict[int, int], dict[Layer, int]]:
        """The distance of each call and each layer from the outputs."""
        depths: dict[int, int] = {}
        by_layer: dict[Layer, int] = {}
        for key in reversed(self._finished):
            layer = self._calls[key].layer
            depth = max(depths.get(key, 0), by_layer.get(layer, 0))
            depths[key] = by_layer[layer] = depth
            for above in self._above[key]:
                depths[above] = max(depth + 1, depths.get(above, 0))
        for tensor in self.inputs:
            layer = call_of(tensor)[0].layer
            if layer not in by_layer:
                by_layer[layer] = 0
                self._order[layer] = -1
        return depths, by_layer

    def calls_of(self, layer: Layer) -> list[LayerCall]:
        """The calls of a layer in the graph."""
        return [made for made in layer._calls if id(made.results) in self._calls]

    def applied(self, inputs: Sequence[Tensor], training: Any) -> list[Tensor]:
        """The outputs for other inputs."""
        known = dict(zip(self.inputs, inputs, strict=True))
        for made in self.calls:
            if all(t in known for t in made.results):
                continue
            arguments = {key: _replaced(value, known) for key, value in made.arguments.items()}
            if training is not None and takes(made.layer.call, "training"):
                arguments["training"] = training
            results = made.layer(_replaced(made.given, known), **arguments)
            known.update(zip(made.results, flat(results), strict=True))
            masks = zip(mask_of(made.results), mask_of(flat(results)), strict=True)
            known.update((old, new) for old, new in masks if old is not None and new is not None)
        return [known[t] for t in self.outputs]


def _replaced(given: Any, known: Mapping[Tensor, Tensor]) -> Any:
    if isinstance(given, list):
        return [_replaced(v, known) for v in given]
    return known.get(given, given) if isinstance(given, Tensor) else given


class Network(Layer):
    """The layers between inputs and outputs, as one layer."""

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.inputs: list[Tensor] | None = None
        self.outputs: list[Tensor] | None = None
        self._graph: LayerGraph | None = None
        self._form: tuple[Any, Any] = (None, None)  # the structure of inputs and outputs
        if inputs is not None:
            self._connect(inputs, outputs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        inputs = list(inputs.values()) if isinstance(inputs, Mapping) else inputs
        self.inputs, self.outputs, self._form = flat(inputs), flat(outputs), (inputs, outputs)
        self._graph = LayerGraph(self.inputs, self.outputs)
        self._layers = self._graph.layers
        self.built = self._sets_masks = True
        self._calls.append(LayerCall(self, inputs, self.outputs, {}))  # its layers have made the outputs

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return list(self._layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Find a layer by its name or its number.

        Args:
            name: The layer's name.
            index: The layer's number in `layers`, instead of the name.

        Returns:
            The layer.

        Raises:
            ValueError: There is no layer of the name.
        """
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}")

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Compute the outputs for other inputs.

        Args:
            inputs: A tensor, or a list of them.
            training: Whether layers train, a bool or a bool scalar tensor; None for the learning phase.
            mask: The mask of the input, or a list of them; by default those that layers gave them.

        Returns:
            The outputs, in the structure of the model's.
        """
        set_masks(inputs, mask)
        if self._graph is None:
            raise NotImplementedError("When subclassing the `Model` class, you should implement a `call` method.")
        found = self._graph.applied(flat(inputs), training)
        return found if isinstance(self._form[1], list | tuple) else found[0]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if self._graph is None else mask_of(self.call(inputs, mask=mask))

    @property
    def input(self) -> Any:
        """The input, or the list of inputs."""
        return self._form[0]

    @property
    def output(self) -> Any:
        """The output, or the list of outputs."""
        return self._form[1]

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or of each input."""
        return as_tuples(shapes_of(self.input))

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or of each output."""
        return as_tuples(shapes_of(self.output))

    @property
    def input_names(self) -> list[str]:
        """The names of the layers of the inputs."""
        return [call_of(t)[0].layer.name for t in self.inputs or ()]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs' layers. If a layer has several outputs, a number follows its name."""
        found: list[str] = []
        for tensor in self.outputs or ():
            name = call_of(tensor)[0].layer.name
            count = sum(n.partition("__")[0] == name for n in found)
            found.append(f"{name}__{count}" if count else name)
        return found

    def _reached(self, nodes: Iterable[Node]) -> list[Node]:
        """The nodes that follow from the model's inputs, or from no inputs of any model."""
        found = []
        others = {t for t in state_of().history if hasattr(state_of().history[t][0], "is_placeholder")}
        own = set(self.inputs or ())
        for node in nodes:
            behind = needed([node])
            if any(t.node in behind for t in own) or not any(t.node in behind for t in others):
                found.append(node)
        return found

    @property
    def losses(self) -> list[Tensor]:
        """The penalties of all layers' weights and results."""
        all_losses = super().losses
        reached = set(self._reached([t.node for t in all_losses]))
        return [t for t in all_losses if t.node in reached]

    @property
    def updates(self) -> list[Node]:
        """The assignments of all layers that run with each step of training."""
        return self._reached(super().updates) if self.trainable or self.stateful else []

    @property
    def state_updates(self) -> list[Node]:
        """The assignments of layers that keep their states, which run with each batch, in training or not."""
        return self._reached([u for layer in self._nested() if layer.stateful for u in layer._updates])

    def reset_states(self) -> None:
        """Set the states of all layers that keep them to zeros.

        Example:
            >>> layer = tf.keras.layers.LSTM(3, stateful=True, batch_input_shape=(2, 5, 4))
            >>> tf.keras.Sequential([layer]).reset_states()
        """
        for layer in self.layers:
            if layer.stateful and hasattr(layer, "reset_states"):
                layer.reset_states()

    # configurations

    def get_config(self) -> dict[str, Any]:
        """The layers, and how they are connected.

        Returns:
            A dictionary, as `from_config` takes it.

        Raises:
            NotImplementedError: The model is not made of layers.
        """
        if self._graph is None:
            raise NotImplementedError(f"{type(self).__name__} has no configuration, since it is not made of layers")
        return graph_config(self.name, self._graph)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Make a model from its configuration.

        Args:
            config: What `get_config` gives.
            custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

        Returns:
            The model, with new weights.
        """
        with lookup.custom_object_scope(custom_objects or {}):
            inputs, outputs = graph_from_config(config)
        return cls(inputs, outputs, name=config.get("name"))

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON.

        Args:
            **kwargs: Arguments of Python's `json.dumps`.

        Returns:
            The text, which `keras.models.model_from_json` takes.

        Raises:
            ValueError: A layer was called with a tensor as an argument, such as a mask.
        """
        whole = {"class_name": type(self).__name__, "config": self.get_config(), "keras_version": KERAS_VERSION,
                 "backend": "tensorflow"}  # fmt: skip
        refuse_tensors(whole["config"])
        return json.dumps(whole, **kwargs)

    def summary(self, line_length: int | None = None, positions: Any = None, print_fn: Any = None) -> None:
        """Print the layers with their shapes and numbers of weights.

        Args:
            line_length: Width of the table; by default that which the layers need.
            positions: Ends of the columns; by default shares of the width.
            print_fn: Function that takes each line; by default `print`.
        """
        from minigraph.keras.summary import print_summary

        print_summary(self, line_length, positions, print_fn or print)


def graph_config(name: str, graph: LayerGraph) -> dict[str, Any]:
    """The configuration of a graph of layers."""
    numbers: dict[int, int] = {}  # of each call, among those of its layer that are in the graph
    for layer in graph.layers:
        first = int(isinstance(layer, Network))  # a model's own call counts, too
        numbers.update({id(c.results): i for i, c in enumerate(graph.calls_of(layer), first)})

    def place(tensor: Tensor) -> list[Any]:
        made, index = call_of(tensor)
        return [made.layer.name, numbers.get(id(made.results), 0), index]

    layers = []
    for layer in graph.layers:
        inbound = [[[*place(t), c.arguments] for t in c.inputs] for c in graph.calls_of(layer) if c.inputs]
        kind = type(layer).__name__
        layers.append({"class_name": kind, "config": layer.get_config(), "name": layer.name, "inbound_nodes": inbound})
    return {"name": name, "layers": layers, "input_layers": [place(t) for t in graph.inputs],
            "output_layers": [place(t) for t in graph.outputs]}  # fmt: skip


def refuse_tensors(config: Any) -> None:
    """ValueError if a layer of a configuration was called with a tensor as an argument, which a file cannot hold."""
    for entry in config.get("layers", ()) if isinstance(config, Mapping) else ():
        for name, value in (pair for call in entry.get("inbound_nodes", ()) for pair in call[0][3].items()):
            if any(isinstance(v, Tensor) for v in flat(value)):
                raise ValueError(
                    f"layer {entry['config']['name']!r} was called with a tensor as its argument {name!r}, which a "
                    "file cannot hold; give the input a mask by a layer such as Masking, or save the weights alone"
                )
        refuse_tensors(entry["config"])


def graph_from_config(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """The inputs and outputs of new layers, connected as a configuration says. ValueError for a circle."""
    layers = {entry["name"]: layer_from_config(entry) for entry in config["layers"]}
    before = {name: len(layer._calls) for name, layer in layers.items() if isinstance(layer, Network)}  # of their own
    waiting = [(entry["name"], number, call) for entry in config["layers"]
               for number, call in enumerate(entry["inbound_nodes"])]  # fmt: skip

    def results(name: str, number: int) -> list[Tensor] | None:
        calls = layers[name]._calls
        return calls[number].results if number < len(calls) else None

    def ready(name: str, number: int, call: Any) -> bool:
        done = len(layers[name]._calls) - before.get(name, 0)
        return done == number and all(results(*entry[:2]) is not None for entry in call)

    def tensor(name: str, number: int, place: int, *_: Any) -> Tensor:
        return results(name, number)[place]  # type: ignore[index]

    while waiting:
        chosen = next((entry for entry in waiting if ready(*entry)), None)
        if chosen is None:
            raise ValueError(f"the layers of {config['name']} depend on each other in a circle")
        waiting.remove(chosen)
        given = [tensor(*entry) for entry in chosen[2]]
        more = chosen[2][0][3] if len(chosen[2][0]) > 3 else {}
        layers[chosen[0]](alone(given), **more)
    first, last = ([tensor(*e) for e in _entries(config[key])] for key in ("input_layers", "output_layers"))
    return alone(first), alone(last)


def _entries(value: Any) -> list[Any]:
    return value if value and isinstance(value[0], list) else [value]


def known_layers() -> dict[str, Any]:
    """Keras's own classes of layers and models, by name."""
    found, waiting = {}, [Layer]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("minigraph.keras."):
            found[kind.__name__] = kind
    return found


def layer_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer or model of `{"class_name": …, "config": …}`."""
    return lookup.from_config(config, known_layers(), "layer", custom_objects)
