"""Layers for all kinds of data: inputs, dense ones, and those that only move elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigraph import math, nn
from minigraph.core.graph import Tensor
from minigraph.keras import backend as K
from minigraph.keras import lookup
from minigraph.keras.base_layer import Layer
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.masks import takes
from minigraph.keras.shapes import InputSpec
from minigraph.keras.state import data_format_of, floatx, get_uid
from minigraph.layers.calls import LayerCall
from minigraph.layers.functions import product_with
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.math.casting import cast

__all__ = [
    "Activation",
    "Dense",
    "Embedding",
    "Flatten",
    "Input",
    "InputLayer",
    "Lambda",
    "Masking",
    "Permute",
    "RepeatVector",
    "Reshape",
]


class InputLayer(Layer):
    """The layer of an input of a model: a tensor that is fed, or a given tensor.

    Args:
        input_shape: Sizes of an example, without that of the batch; None for unknown ones.
        batch_size: Examples in a batch; None for any number.
        dtype: Dtype of the tensor; by default that of `keras.backend.floatx`.
        input_tensor: A tensor that takes the place of a new one.
        sparse, ragged: TensorFlow's arguments, which must be False.
        name: Name of the layer and its tensor.
        batch_input_shape: All sizes, with that of the batch, instead of the first two arguments.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: There is neither a shape nor a tensor.
        NotImplementedError: A sparse or ragged input is asked for.

    Example:
        >>> tf.keras.layers.InputLayer((28, 28, 1)).output_shape
        (None, 28, 28, 1)
    """

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
        return {
            "batch_input_shape": self._batch_input_shape, "dtype": self._dtype, "sparse": False, "ragged": False,
            "name": self.name,
        }  # fmt: skip


def Input(
    shape: Any = None, batch_size: int | None = None, name: str | None = None, dtype: Any = None, sparse: bool = False,
    tensor: Any = None, ragged: bool = False, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """An input of a model: a tensor that is fed.

    Args:
        shape: Sizes of an example, without that of the batch; None for unknown ones.
        batch_size: Examples in a batch; None for any number.
        name: Name of the layer and its tensor.
        dtype: Dtype of the tensor; by default that of `keras.backend.floatx`.
        sparse, ragged: TensorFlow's arguments, which must be False.
        tensor: A tensor that takes the place of a new one.
        **kwargs: batch_shape, all sizes with that of the batch, instead of the first two arguments.

    Returns:
        The tensor.

    Raises:
        ValueError: There is neither a shape nor a tensor.
        NotImplementedError: A sparse or ragged input is asked for.

    Example:
        >>> x = tf.keras.Input((3,))
        >>> model = tf.keras.Model(x, tf.keras.layers.Dense(2)(x))
        >>> model.output_shape
        (None, 2)
    """
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
    """Fully connected layer: activation(x·kernel + bias), over the last axis.

    Args:
        units: Size of the last axis of the result.
        activation: Activation function, or its name; None for none.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer: Initializers of the weights, or their names.
        kernel_regularizer, bias_regularizer: Penalties of the weights; None for none.
        activity_regularizer: Penalty of the result; None for none.
        kernel_constraint, bias_constraint: Constraints of the weights after each step of training; None for none.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: At the first call, the size of the input's last axis is unknown.

    Example:
        >>> layer = tf.keras.layers.Dense(10, activation="relu")
        >>> layer(tf.zeros([4, 20])).shape.as_list(), layer.kernel.shape.as_list()
        ([4, 10], [20, 10])
    """

    supports_masking = True
    fields = ("units", *KernelLayer.fields)
    units: int

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1].value
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_kernel([size, self.units])
        self.add_bias(self.units)

    def call(self, inputs: Any) -> Any:
        y = product_with(inputs, self.kernel)
        y = y if self.bias is None else nn.bias_add(y, self.bias)
        return self.activation(y)


class Activation(FieldLayer):
    """An activation function as a layer.

    Args:
        activation: The function, or its name.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> print(tf.Session().run(tf.keras.layers.Activation("relu")(tf.constant([-1.0, 2.0]))))
        [0. 2.]
    """

    supports_masking = True
    activation: Any

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class Flatten(FieldLayer):
    """Joins all axes but the first.

    Args:
        data_format: "channels_last", or "channels_first": the channels become the last axis before the others are
            joined; None for that of `keras.backend.image_data_format`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.Flatten()(tf.zeros([4, 5, 6, 3])).shape.as_list()
        [4, 90]
    """

    data_format: Any = "channels_last"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.data_format = data_format_of(self.data_format)

    def call(self, inputs: Any) -> Any:
        rank = inputs.type.rank
        if self.data_format == "channels_first" and rank > 2:
            inputs = K.permute_dimensions(inputs, [0, *range(2, rank), 1])
        return K.batch_flatten(inputs) if rank > 1 else K.expand_dims(inputs)


class Reshape(FieldLayer):
    """Gives the elements of each example another shape.

    Args:
        target_shape: Sizes of the result, without that of the batch; one may be −1, for what remains.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: In a call, the number of elements differs.

    Example:
        >>> tf.keras.layers.Reshape((28, 28, 1))(tf.zeros([4, 784])).shape.as_list()
        [4, 28, 28, 1]
    """

    target_shape: Any

    def call(self, inputs: Any) -> Any:
        dims, target = inputs.type.shape[1:], list(self.target_shape)
        if -1 in target and None not in dims:
            rest = int(np.prod([d for d in target if d != -1]))
            target[target.index(-1)] = int(np.prod(dims)) // rest
        if -1 not in target and None not in dims and np.prod(target) != np.prod(dims):
            raise ValueError("total size of new array must be unchanged")
        return K.reshape(inputs, [-1 if -1 not in target else shape_of(inputs)[0], *target])


class Permute(FieldLayer):
    """Puts the axes of each example in another order.

    Args:
        dims: The axes of the input in the order of the result, counted from 1; the batch's axis stays.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Raises:
        ValueError: In a call, `dims` is no permutation.

    Example:
        >>> tf.keras.layers.Permute((2, 1))(tf.zeros([4, 5, 6])).shape.as_list()
        [4, 6, 5]
    """

    dims: Any

    def call(self, inputs: Any) -> Any:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Invalid permutation `dims` for Permute Layer: {self.dims}.")
        return K.permute_dimensions(inputs, [0, *self.dims])


class RepeatVector(FieldLayer):
    """Repeats vectors along a new axis: [N,C] becomes [N,n,C].

    Args:
        n: How often.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.RepeatVector(3)(tf.zeros([4, 5])).shape.as_list()
        [4, 3, 5]
    """

    n: int

    def call(self, inputs: Any) -> Any:
        return K.repeat(inputs, self.n)


class Embedding(FieldLayer):
    """Looks up rows of a trained matrix by their indices: [N,L] becomes [N,L,output_dim].

    Args:
        input_dim: The number of rows; indices are below it.
        output_dim: Size of the rows.
        embeddings_initializer: Initializer of the matrix, or its name.
        embeddings_regularizer: Penalty of the matrix; None for none.
        activity_regularizer: Penalty of the result; None for none.
        embeddings_constraint: Constraint of the matrix after each step of training; None for none.
        mask_zero: Whether index 0 stands for a step that does not count: the result then has a mask.
        input_length: Length L, if the layer is the first of a `Sequential`.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.Embedding(1000, 16)
        >>> layer(tf.constant([[1, 5, 999]])).shape.as_list()
        [1, 3, 16]
    """

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

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.weight_of("embeddings", [self.input_dim, self.output_dim])

    def call(self, inputs: Any) -> Any:
        indices = inputs if inputs.dtype.is_integer else K.cast(inputs, "int32")
        return nn.embedding_lookup(self.embeddings, indices)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return math.not_equal(inputs, 0) if self.mask_zero else None


class Masking(FieldLayer):
    """Gives sequences [N,L,C] a mask: a step does not count if all its numbers are a given one.

    Later layers skip such steps, and so do losses and metrics.

    Args:
        mask_value: The number.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.Masking(mask_value=-1.0)
        >>> y = layer(tf.constant([[[-1.0, -1.0], [-1.0, 2.0]]]))
        >>> print(tf.Session().run(layer.output_mask))
        [[False  True]]
    """

    mask_value: float = 0.0
    supports_masking = True

    def call(self, inputs: Any) -> Any:
        counts = K.any(math.not_equal(inputs, self.mask_value), -1, keepdims=True)
        return inputs * cast(counts, inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return K.any(math.not_equal(inputs, self.mask_value), -1)


class Lambda(Layer):
    """A function as a layer. Weights that the function makes are not the layer's.

    Args:
        function: Function from the input to the result. If it has arguments `mask` or `training`, it gets them.
        output_shape: TensorFlow's argument, which has no effect.
        mask: The mask of the result, or a function that makes it of the inputs and their mask; None for no mask.
        arguments: Dictionary of more arguments of the function.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.Lambda(lambda x, factor: factor * x, arguments={"factor": 3.0})
        >>> print(tf.Session().run(layer(tf.constant([1.0, 2.0]))))
        [3. 6.]
    """

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.arguments, self.mask = function, dict(arguments or {}), mask

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Call the function.

        Args:
            inputs: The input tensor, or a list of them.
            mask: The mask of the input, or a list of them.
            training: Whether the layer trains; None for the learning phase.

        Returns:
            What the function returns.
        """
        given = {"mask": mask, "training": training}
        return self.function(inputs, **{n: v for n, v in given.items() if takes(self.function, n)} | self.arguments)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer, with the functions by their names.

        Returns:
            The arguments of the constructor, by name.

        Raises:
            ValueError: A function is a lambda, which has no name, or the mask is no function.
        """
        config = {**super().get_config(), "function": self._named(self.function), "arguments": self.arguments,
                  "function_type": "function", "output_shape": None, "output_shape_type": "raw"}  # fmt: skip
        return config if self.mask is None else {**config, "mask": self._named(self.mask)}

    def _named(self, function: Any) -> str:
        """The name of a function in a file."""
        name = getattr(function, "__name__", "<lambda>")
        if name == "<lambda>":
            what = "a lambda" if callable(function) else "a mask that is no function"
            raise ValueError(f"{self.name}: {what} has no name that a file can hold; give a function that has one")
        return str(name)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from its configuration.

        Args:
            config: What `get_config` gives.

        Returns:
            The layer.

        Raises:
            ValueError: The function is not among the custom objects, or is stored as byte code.
        """
        config = {k: v for k, v in config.items() if k not in ("function_type", "output_shape_type", "module")}
        if not isinstance(config["function"], str):
            raise ValueError("A Lambda layer with Python byte code is not loaded; name its function in custom_objects")
        function = lookup.find(config.pop("function"), {}, "function of a Lambda layer")
        if config.get("mask") is not None:
            config["mask"] = lookup.find(config["mask"], {}, "mask of a Lambda layer")
        return cls(function, **{k: v for k, v in config.items() if k != "output_shape"})
