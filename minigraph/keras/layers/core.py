"""Layers for all kinds of data: dense ones, noise, and those that only move elements."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras import lookup
from minigraph.keras.base_layer import FieldLayer, InputSpec, Layer, LayerCall
from minigraph.keras.regularizers import L1L2
from minigraph.keras.state import floatx, get_uid
from minigraph.layers.functions import product_with
from minigraph.ops.array.shape import packed
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.identity import identity

__all__ = [
    "Activation",
    "ActivityRegularization",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Input",
    "InputLayer",
    "Lambda",
    "Permute",
    "RepeatVector",
    "Reshape",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]


class InputLayer(Layer):
    """The layer of an input of a model: a tensor that is fed, or a given tensor."""

    def __init__(
        self, input_shape: Any = None, batch_size: int | None = None, dtype: Any = None, input_tensor: Any = None,
        sparse: bool = False, name: str | None = None, ragged: bool = False, batch_input_shape: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if sparse or ragged:
            raise NotImplementedError("sparse and ragged inputs are not supported")
        if batch_input_shape is None and input_shape is not None:
            batch_input_shape = (batch_size, *input_shape)
        if input_tensor is None and batch_input_shape is None:
            raise ValueError("Please provide to Input either a `shape` or a `tensor` argument.")
        super().__init__(name=name or f"input_{get_uid('input')}", dtype=dtype or floatx(), **kwargs)
        if input_tensor is None:
            input_tensor = K.placeholder(batch_input_shape, dtype=self._dtype, name=self.name)
        self._batch_input_shape = None if batch_input_shape is None else tuple(batch_input_shape)
        self.is_placeholder, self.built, self.sparse, self.ragged = True, True, False, False
        self._note(LayerCall(self, [], [input_tensor], {}))

    @property
    def input(self) -> Any:
        """The tensor itself."""
        return self.output

    @property
    def input_shape(self) -> Any:
        """The shape of the tensor."""
        return self.output_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer."""
        return {
            "batch_input_shape": self._batch_input_shape, "dtype": self._dtype, "sparse": False, "ragged": False,
            "name": self.name,
        }  # fmt: skip


def Input(
    shape: Any = None, batch_size: int | None = None, name: str | None = None, dtype: Any = None, sparse: bool = False,
    tensor: Any = None, ragged: bool = False, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """An input of a model. shape: without the batch's size. batch_shape: with it. tensor: in place of a new one."""
    if "batch_shape" in kwargs:
        batch_size, *shape = kwargs.pop("batch_shape")
    layer = InputLayer(shape, batch_size, dtype, tensor, sparse, name, ragged, **kwargs)
    made: Tensor = layer.output
    return made


class KernelLayer(FieldLayer):
    """A layer with kernels, a bias and an activation function."""

    activation: Any = None
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    bias_regularizer: Any = None
    activity_regularizer: Any = None
    kernel_constraint: Any = None
    bias_constraint: Any = None

    def add_kernel(self, shape: list[int], kind: str = "") -> Any:
        """A kernel. kind: "depthwise" or "pointwise", or nothing for the only one."""
        return self.weight_of(kind or "kernel", shape, f"{kind}_kernel" if kind else None)

    def add_bias(self, size: int) -> None:
        """The bias, if there is one."""
        self.bias = self.weight_of("bias", [size]) if self.use_bias else None


class Dense(KernelLayer):
    """activation(x·kernel + bias) over the last axis."""

    fields = ("units", *KernelLayer.fields)
    units: int

    def build(self, input_shape: Any) -> None:
        """Make the kernel and the bias."""
        size = input_shape[-1].value
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_kernel([size, self.units])
        self.add_bias(self.units)

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        y = product_with(inputs, self.kernel)
        y = y if self.bias is None else nn.bias_add(y, self.bias)
        return self.activation(y)


class Activation(FieldLayer):
    """An activation function."""

    activation: Any

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return self.activation(inputs)


class ActivityRegularization(FieldLayer):
    """The input itself, with penalties l1·Σ|x| + l2·Σx² of it."""

    l1: float = 0.0
    l2: float = 0.0

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(l1, l2, activity_regularizer=L1L2(l1, l2), **kwargs)


class Dropout(FieldLayer):
    """In training a random share of the elements is 0, and the others are divided by the rest."""

    rate: float
    noise_shape: Any = None
    seed: int | None = None

    def mask_shape(self, x: Tensor) -> Any:
        """The shape of the random mask; None for that of the input."""
        if self.noise_shape is None:
            return None
        sizes = [shape_of(x)[i] if d is None else d for i, d in enumerate(self.noise_shape)]
        return packed(sizes)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the results."""
        if not 0 < self.rate < 1:
            return inputs

        def dropped() -> Tensor:
            return nn.dropout(inputs, noise_shape=self.mask_shape(inputs), seed=self.seed, rate=self.rate)

        return K.in_train_phase(dropped, lambda: identity(inputs), training)


class _SpatialDropout(Dropout):
    fields: ClassVar[tuple[str, ...]] = ("rate",)
    data_format: Any = "channels_last"
    ndim = 0

    def mask_shape(self, x: Tensor) -> Any:
        """The shape of the random mask: one number for each map."""
        dims: list[Any] = [shape_of(x)[0], *[1] * self.ndim]
        channel = 1 if self.data_format == "channels_first" else self.ndim + 1
        dims.insert(channel, x.type.shape[channel])  # type: ignore[index]
        return K.stack(dims)


class SpatialDropout1D(_SpatialDropout):
    """In training random whole channels of sequences are 0."""

    ndim = 1


class SpatialDropout2D(_SpatialDropout):
    """In training random whole maps of images are 0."""

    fields = ("rate", "data_format")
    data_format: Any = None
    ndim = 2


class SpatialDropout3D(_SpatialDropout):
    """In training random whole maps of volumes are 0."""

    fields = ("rate", "data_format")
    data_format: Any = None
    ndim = 3


class GaussianNoise(FieldLayer):
    """In training normal random numbers are added."""

    stddev: float

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the results."""

        def noised() -> Any:
            return inputs + K.random_normal(shape_of(inputs), 0.0, self.stddev, inputs.dtype)

        return K.in_train_phase(noised, lambda: identity(inputs), training)


class GaussianDropout(FieldLayer):
    """In training the elements are multiplied by normal random numbers of mean 1."""

    rate: float

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the results."""
        if not 0 < self.rate < 1:
            return inputs

        def noised() -> Any:
            stddev = float(np.sqrt(self.rate / (1.0 - self.rate)))
            return inputs * K.random_normal(shape_of(inputs), 1.0, stddev, inputs.dtype)

        return K.in_train_phase(noised, lambda: identity(inputs), training)


class Flatten(FieldLayer):
    """All axes but the first joined."""

    data_format: Any = "channels_last"

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        rank = inputs.type.rank
        if self.data_format == "channels_first" and rank > 2:
            inputs = K.permute_dimensions(inputs, [0, *range(2, rank), 1])
        return K.batch_flatten(inputs) if rank > 1 else K.expand_dims(inputs)


class Reshape(FieldLayer):
    """The elements of each example in another shape. One size may be −1."""

    target_shape: Any

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        dims, target = inputs.type.shape[1:], list(self.target_shape)
        if -1 in target and None not in dims:
            rest = int(np.prod([d for d in target if d != -1]))
            target[target.index(-1)] = int(np.prod(dims)) // rest
        if -1 not in target and None not in dims and np.prod(target) != np.prod(dims):
            raise ValueError("total size of new array must be unchanged")
        return K.reshape(inputs, [-1 if -1 not in target else shape_of(inputs)[0], *target])


class Permute(FieldLayer):
    """The axes of each example in another order. They count from 1."""

    dims: Any

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Invalid permutation `dims` for Permute Layer: {self.dims}.")
        return K.permute_dimensions(inputs, [0, *self.dims])


class RepeatVector(FieldLayer):
    """Vectors [N,C] repeated: [N,n,C]."""

    n: int

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        return K.repeat(inputs, self.n)


class Embedding(FieldLayer):
    """Rows of a trained matrix by their indices."""

    input_dim: int
    output_dim: int
    embeddings_initializer: Any = "uniform"
    embeddings_regularizer: Any = None
    activity_regularizer: Any = None
    embeddings_constraint: Any = None
    mask_zero: bool = False
    input_length: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            kwargs["input_shape"] = (kwargs.get("input_length"),)
        super().__init__(*args, **kwargs)
        if self.mask_zero:
            raise NotImplementedError("Embedding(mask_zero=True): masks are not supported")

    def build(self, input_shape: Any) -> None:
        """Make the matrix."""
        self.embeddings = self.weight_of("embeddings", [self.input_dim, self.output_dim])

    def call(self, inputs: Any) -> Any:
        """Compute the results."""
        indices = inputs if inputs.dtype.is_integer else K.cast(inputs, "int32")
        return nn.embedding_lookup(self.embeddings, indices)


class Lambda(Layer):
    """A function as a layer. arguments: more arguments of the function."""

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.arguments = function, dict(arguments or {})

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the results."""
        return self.function(inputs, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer: a function by its name. ValueError for one without."""
        if isinstance(self.function, types.LambdaType) and self.function.__name__ == "<lambda>":
            raise ValueError(f"{self.name}: a lambda has no name that a file can hold; give a function that has one")
        return {**super().get_config(), "function": self.function.__name__, "arguments": self.arguments,
                "function_type": "function", "output_shape": None, "output_shape_type": "raw"}  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration. ValueError if the function is not among the custom objects."""
        config = {k: v for k, v in config.items() if k not in ("function_type", "output_shape_type", "module")}
        if not isinstance(config["function"], str):
            raise ValueError("A Lambda layer with Python byte code is not loaded; name its function in custom_objects")
        function = lookup.find(config.pop("function"), {}, "function of a Lambda layer")
        return cls(function, **{k: v for k, v in config.items() if k != "output_shape"})
