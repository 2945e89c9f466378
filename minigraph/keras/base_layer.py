"""Layers: the base class, and the calls of layers that make up a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import TensorShape
from minigraph.keras import constraints, initializers, regularizers
from minigraph.keras.masks import as_masks, by_names, has_masks, mask_of, set_masks, takes
from minigraph.keras.state import floatx, get_session, state_of, unique_name
from minigraph.layers.calls import CalledLayer, LayerCall
from minigraph.layers.structures import flat, shapes_of
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.array.slicing import getitem
from minigraph.ops.constant import placeholder
from minigraph.ops.identity import identity
from minigraph.ops.math.casting import cast
from minigraph.run.variables import Variable
from minigraph.util.nest import listed


class Layer(CalledLayer):
    """Base class of layers. A subclass defines `call`, and `build` if it has weights.

    The first call of a layer makes its weights. Layers, and variables, that are attributes belong to the layer.

    Args:
        trainable: Whether a model's training changes the weights.
        name: Name of the layer; by default made from the class's name.
        dtype: Dtype of the weights; by default that of the first input.
        dynamic: TensorFlow's argument, which has no effect.
        **kwargs: For the first layer of a `Sequential`: input_shape, the sizes of an example, or batch_input_shape,
            with that of the batch. For all: weights, the initial values; activity_regularizer, a penalty of the result.

    Raises:
        TypeError: Another argument is given.

    Example:
        >>> class Scale(tf.keras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight("factor", shape=[], initializer="ones")
        ...         super().build(input_shape)
        ...     def call(self, inputs):
        ...         return self.factor * inputs
        >>> layer = Scale(name="scale")
        >>> y = layer(tf.constant([1.0, 2.0]))
        >>> [v.name for v in layer.weights]
        ['scale/factor:0']
        >>> print(tf.keras.backend.get_session().run(y))
        [1. 2.]
    """

    stateful = False
    _layers: list[Layer]
    supports_masking = False
    _sets_masks = False  # whether `call` gives its results their masks

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, dynamic: bool = False, **kwargs: Any
    ) -> None:
        known = {"input_shape", "batch_input_shape", "batch_size", "weights", "activity_regularizer", "input_dim",
                 "input_length", "autocast"}  # fmt: skip
        self._layers = list(self.__dict__.get("_layers", ()))
        if unknown := sorted(kwargs.keys() - known):
            raise TypeError("Keyword argument not understood:", unknown[0])
        self._name = name or unique_name(type(self).__name__)
        self._trainable = trainable
        self._dtype = None if dtype is None else as_dtype(dtype).name
        self.built = False
        self.input_spec: Any = None
        self.activity_regularizer = regularizers.get(kwargs.get("activity_regularizer"))
        self._trainable_weights: list[Variable] = []
        self._fixed_weights: list[Variable] = []
        self._losses: list[Tensor] = []
        self._updates: list[Node] = []
        self._calls: list[LayerCall] = []
        self._initial_weights = kwargs.get("weights")
        self._batch_input_shape = _batch_shape(kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        layers = self.__dict__.setdefault("_layers", [])
        for item in listed(value):
            if isinstance(item, Layer) and item not in layers and name != "_layers":
                layers.append(item)
            if isinstance(item, Variable) and name != "_own" and not name.endswith("_weights"):
                self._track(item, item.trainable)
        object.__setattr__(self, name, value)

    def _track(self, variable: Variable, trainable: bool) -> None:
        own = self._trainable_weights if trainable else self._fixed_weights
        if variable not in (*self._trainable_weights, *self._fixed_weights):
            own.append(variable)

    # for subclasses

    def build(self, input_shape: Any) -> None:
        """Make the weights. For subclasses; the first call of the layer calls it.

        Args:
            input_shape: Shape of the input, or a list of shapes.
        """
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the result. For subclasses.

        Args:
            inputs: The input tensor, or a list of them.
            *args: More arguments of the call.
            **kwargs: The same by name, such as `training`.

        Returns:
            A tensor, or a list of them.
        """
        return inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the mask of the result. For subclasses.

        Args:
            inputs: The input tensor, or a list of them.
            mask: The mask of the input, or a list of them; None without masks.

        Returns:
            The mask, or a list of them; by default that of the input if the layer has `supports_masking`.

        Raises:
            TypeError: There is a mask, and the layer does not have `supports_masking`.
        """
        if self.supports_masking:
            return mask
        if has_masks(mask):
            raise TypeError(f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}")
        return None

    def add_weight(
        self, name: str | None = None, shape: Any = None, dtype: Any = None, initializer: Any = None,
        regularizer: Any = None, trainable: bool | None = None, constraint: Any = None, partitioner: Any = None,
        use_resource: Any = None, synchronization: Any = None, aggregation: Any = None, **kwargs: Any,
    ) -> Variable:  # fmt: skip
        """Make a weight.

        Args:
            name: Name of the variable; by default "weight".
            shape: Its shape; None for a scalar.
            dtype: Its dtype; by default that of the layer.
            initializer: Initializer, or its name; by default Glorot's uniform one.
            regularizer: Penalty of the weight; None for none.
            trainable: Whether training changes the weight; None for yes.
            constraint: Constraint of the weight after each step of training; None for none.
            partitioner, use_resource, synchronization, aggregation: TensorFlow's arguments, which have no effect.
            **kwargs: The same.

        Returns:
            The variable.
        """
        kind = as_dtype(dtype or self._dtype or floatx())
        self._dtype = self._dtype or kind.name
        start = initializers.get("glorot_uniform" if initializer is None else initializer)
        dims = TensorShape(() if shape is None else shape).as_list()
        made = Variable(
            lambda: start(dims, dtype=kind), trainable is not False, name=name or "weight", dtype=kind,
            constraint=constraints.get(constraint),
        )  # fmt: skip
        state_of(made.graph).track([made])
        self._track(made, trainable is not False)
        if regularizer is not None:
            with made.graph.name_scope(f"{made.op.name}/Regularizer/"):
                self._losses.append(convert_to_tensor(regularizers.get(regularizer)(made)))
        return made

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add penalties to the loss of each model that has the layer.

        Args:
            losses: A scalar tensor, a function without arguments that makes one, or a list of them.
            inputs: TensorFlow's argument, which has no effect.
        """
        self._losses += [convert_to_tensor(v() if callable(v) else v) for v in flat(losses)]

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add assignments that run with each step of training.

        Args:
            updates: An assignment, or a list of them.
            inputs: TensorFlow's argument, which has no effect.
        """
        self._updates += [u.node if isinstance(u, Tensor) else u for u in flat(updates)]

    # calls

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer to a tensor or a list of tensors. The first call makes the weights."""
        given = _as_tensors(inputs, self._dtype)
        tensors = flat(given)
        graph = tensors[0].graph
        with graph.as_default(), graph.name_scope(self._name):
            if not self.built:
                self._begin(given)
            unnamed, named = by_names(self.call, args, kwargs)
            explicit = "mask" in named
            if explicit:
                masks = named["mask"] = as_masks(named["mask"], graph)
            else:
                masks = own if has_masks(own := mask_of(given)) else None
            more = {"mask": masks} if masks is not None and not explicit and takes(self.call, "mask") else {}
            made = self.call(given, *unnamed, **named, **more)
            found = [identity(t) if t in tensors else t for t in map(_as_tensors, flat(made))]
            if self.activity_regularizer is not None:
                for result in found:
                    self._losses.append(self.activity_regularizer(result) / _batch_size(result))
            hands_on = self.supports_masking or type(self).compute_mask is not Layer.compute_mask
            if hands_on and not self._sets_masks and any(m is None for m in mask_of(found)):
                set_masks(found, self.compute_mask(given, masks))
        self._note(LayerCall(self, given, found, named))
        return found if isinstance(made, list | tuple) else found[0]

    def _note(self, made: LayerCall) -> None:
        self._calls.append(made)
        for i, tensor in enumerate(made.results):
            state_of(tensor.graph).history[tensor] = (self, len(self._calls) - 1, i)

    def _begin(self, given: Any) -> None:
        self._check(flat(given))
        if self._dtype is None:
            first = flat(given)[0].dtype
            self._dtype = first.name if first.is_floating else floatx()
        self.build(shapes_of(given))
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)

    def _check(self, tensors: Sequence[Tensor]) -> None:
        """ValueError for an input that `input_spec` excludes."""
        specs = [] if self.input_spec is None else flat(self.input_spec)
        for i, (tensor, spec) in enumerate(zip(tensors, specs, strict=False)):
            dims = tensor.type.shape
            start = f"Input {i} of layer {self.name} is incompatible with the layer: "
            if spec is None or dims is None:
                continue
            shown = f"Full shape received: {list(dims)}"
            if spec.ndim is not None and len(dims) != spec.ndim:
                raise ValueError(f"{start}expected ndim={spec.ndim}, found ndim={len(dims)}. {shown}")
            if spec.min_ndim is not None and len(dims) < spec.min_ndim:
                raise ValueError(f"{start}: expected min_ndim={spec.min_ndim}, found ndim={len(dims)}. {shown}")
            for axis, size in spec.axes.items():
                if size is not None and dims[axis] not in (size, None):
                    raise ValueError(
                        f"{start}expected axis {axis} of input shape to have value {size} but received input with "
                        f"shape {list(dims)}"
                    )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Find the shape of the result without calling the layer.

        Args:
            input_shape: Shape of the input, or a list of shapes.

        Returns:
            The shape of the result, or a list of shapes.
        """
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        with Graph().as_default():
            twin = type(self).from_config(self.get_config())
            given = [placeholder(as_dtype(self._dtype or floatx()), s) for s in shapes]
            return shapes_of(twin(given if isinstance(input_shape, list) else given[0]))

    # weights and their kinds

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The name of the dtype of the weights."""
        return self._dtype

    @property
    def trainable(self) -> bool:
        """Whether a model that is compiled from here on trains the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in self._layers:
            layer.trainable = value

    def _nested(self) -> Iterable[Layer]:
        """The layer and its inner layers."""
        yield self
        for layer in self._layers:
            yield from layer._nested()

    @property
    def weights(self) -> list[Variable]:
        """All weights: the layer's own, trainable ones first, and then those of inner layers."""
        found = [*self._trainable_weights, *self._fixed_weights]
        return _unique([*found, *(v for layer in self._layers for v in layer.weights)])

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        if not self.trainable:
            return []
        return _unique([*self._trainable_weights, *(v for layer in self._layers for v in layer.trainable_weights)])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        trained = set(self.trainable_weights)
        return [v for v in self.weights if v not in trained]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return self.non_trainable_weights

    @property
    def losses(self) -> list[Tensor]:
        """The penalties of weights and results, including those of inner layers."""
        return [loss for layer in self._nested() for loss in layer._losses]

    @property
    def updates(self) -> list[Node]:
        """The assignments that run with each step of training, including those of inner layers."""
        return [u for layer in self._nested() if layer.trainable or layer.stateful for u in layer._updates]

    def get_weights(self) -> list[np.ndarray]:
        """Read the values of `weights`.

        Returns:
            A list of arrays.
        """
        found: list[np.ndarray] = get_session().run(self.weights)
        return found

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of `weights`.

        Args:
            weights: Arrays, in the order of `weights`.

        Raises:
            ValueError: Their number or a shape differs.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a  weight list of length '
                f"{len(weights)}, but the layer was expecting {len(variables)} weights."
            )
        assign_all(list(zip(variables, weights, strict=True)))

    def count_params(self) -> int:
        """Count the elements of all weights.

        Returns:
            The number.

        Raises:
            ValueError: The weights are not made yet.
        """
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't built.")
        return sum(v.type.size for v in self.weights)

    # masks of inputs and results

    def get_input_mask_at(self, node_index: int) -> Any:
        """The mask of the input of a call of the layer.

        Args:
            node_index: The number of the call, from 0.

        Returns:
            A mask, or a list of them; None for no mask.

        Raises:
            RuntimeError: The layer has not been called.
            ValueError: There are fewer calls.
        """
        return mask_of(self.get_input_at(node_index))

    def get_output_mask_at(self, node_index: int) -> Any:
        """The mask of the result of a call of the layer.

        Args:
            node_index: The number of the call, from 0.

        Returns:
            A mask, or a list of them; None for no mask.

        Raises:
            RuntimeError: The layer has not been called.
            ValueError: There are fewer calls.
        """
        return mask_of(self.get_output_at(node_index))

    @property
    def input_mask(self) -> Any:
        """The mask of the input of the layer's first call."""
        return mask_of(self.input)

    @property
    def output_mask(self) -> Any:
        """The mask of the result of the layer's first call."""
        return mask_of(self.output)

    # configurations

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer.

        Returns:
            The arguments of the constructor, by name.
        """
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if self._batch_input_shape is not None:
            config["batch_input_shape"] = self._batch_input_shape
        return {**config, "dtype": self._dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from its configuration.

        Args:
            config: What `get_config` gives.

        Returns:
            A new layer of the class, with new weights.
        """
        return cls(**config)


def assign_all(pairs: Iterable[tuple[Variable, Any]]) -> None:
    """Set variables. ValueError for a value of another shape."""
    values = {}
    for variable, value in pairs:
        array = np.asarray(value, variable.dtype.np_dtype)
        if array.shape != variable.type.static:
            raise ValueError(
                f"Layer weight shape {variable.type.static} not compatible with provided weight shape {array.shape}"
            )
        values[variable.op.name] = array
    get_session().write_state(values)


def _unique(variables: Iterable[Variable]) -> list[Variable]:
    return list(dict.fromkeys(variables))


def _batch_shape(given: dict[str, Any]) -> tuple[Any, ...] | None:
    if given.get("batch_input_shape") is not None:
        return tuple(given["batch_input_shape"])
    shape = given.get("input_shape")
    if shape is None and given.get("input_dim") is not None:
        shape = (given["input_dim"],)
    return None if shape is None else (given.get("batch_size"), *shape)


def _as_tensors(value: Any, dtype: str | None = None) -> Any:
    if isinstance(value, list | tuple):
        return [_as_tensors(v, dtype) for v in value]
    if isinstance(value, np.ndarray | float | int):
        return convert_to_tensor(np.asarray(value), as_dtype(dtype or floatx()))
    return convert_to_tensor(value)


def _batch_size(x: Tensor) -> Any:
    return cast(getitem(shape_of(x), 0), x.dtype)
