"""Names of TensorFlow 1 for what minigraph has under another one, and small functions that only old programs need."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import bool_, string
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.ops.array.known import static_value
from minigraph.ops.constant import string_array
from minigraph.ops.host.resources import ResourceOp, Resources
from minigraph.ops.random.distributions import get_seed as seeds_of


def executing_eagerly() -> bool:
    """False: programs build graphs."""
    return False


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The seeds of a random op that is made now: of the graph, and its own."""
    return seeds_of(get_default_graph(), op_seed)


class AggregationMethod:
    """How gradients are added up; there is one way."""

    ADD_N = DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


class LearnModes:
    """What a model of `tf.contrib.learn` does."""

    TRAIN, EVAL, INFER = "train", "eval", "infer"


class OnlyKeras:
    """A module that has Keras, which is loaded when it is asked for."""

    @property
    def keras(self) -> Any:
        return tf.keras


def arg_max(input: Any, dimension: Any, output_type: Any = tf.int64, name: str | None = None) -> Tensor:
    """`tf.argmax`."""
    return tf.argmax(input, dimension, name=name, output_type=output_type)


def arg_min(input: Any, dimension: Any, output_type: Any = tf.int64, name: str | None = None) -> Tensor:
    """`tf.argmin`."""
    return tf.argmin(input, dimension, name=name, output_type=output_type)


def floor_div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`tf.floordiv`."""
    return tf.floordiv(x, y, name=name)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """ReLU of x·weights + biases."""
    with tf.name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        return tf.nn.relu(tf.nn.bias_add(tf.matmul(x, weights), biases), name=scope)


class uniform_unit_scaling_initializer:
    """Uniform values in ±factor·√(3/n), with n the product of all dimensions but the last."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = tf.float32) -> None:
        self.factor, self.seed, self.dtype = factor, seed, dtype

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        refuse("uniform_unit_scaling_initializer", partition_info=partition_info)
        size = 1.0
        for n in list(shape)[:-1]:
            size *= float(n)
        limit = (3.0 / max(size, 1.0)) ** 0.5 * self.factor
        return tf.random_uniform(shape, -limit, limit, dtype or self.dtype, seed=self.seed)


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor that is known when the graph is built, else None."""
    if partial:
        raise ValueError("constant_value: partial=True is not supported")
    return static_value(tensor)


class VariablesWithoutValue(ResourceOp):
    """The names of those of some variables that have no value in the session."""

    names: tuple[str, ...]

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(string, (None,)),)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        return (string_array([name for name in self.names if not resources.is_initialised(name)]),)


class IsVariableInitialized(ResourceOp):
    """Whether a variable has a value in the session."""

    variable: str

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(bool_, ()),)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        return (np.array(resources.is_initialised(self.variable)),)


def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Tensor:
    """The names, strings, of variables that have no value yet; by default of all, local ones as well."""
    chosen = [*tf.global_variables(), *tf.local_variables()] if var_list is None else list(var_list)
    return get_default_graph().add(VariablesWithoutValue(tuple(v.op.name for v in chosen)), (), name).outputs[0]


def is_variable_initialized(variable: Any) -> Tensor:
    """Whether a variable has a value."""
    return get_default_graph().add(IsVariableInitialized(variable.op.name), (), "IsVariableInitialized").outputs[0]


def assert_variables_initialized(var_list: Any = None) -> Any:
    """An operation whose run fails with FailedPreconditionError if one of the variables has no value yet; by default of
    all, local ones as well. None if there are none."""
    chosen = [*tf.global_variables(), *tf.local_variables()] if var_list is None else list(var_list)
    if not chosen:
        return None
    return tf.group(*[v.read_value() for v in chosen], name="assert_variables_initialized")


def get_local_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool = False, collections: Any = None, caching_device: Any = None, partitioner: Any = None,
    validate_shape: bool = True, use_resource: Any = None, custom_getter: Any = None, constraint: Any = None,
    synchronization: Any = 0, aggregation: Any = 0,
) -> Any:  # fmt: skip
    """`tf.get_variable` of a variable in the collection LOCAL_VARIABLES, which is not saved, nor trained."""
    chosen = [tf.GraphKeys.LOCAL_VARIABLES, *(collections or [])]
    if trainable:
        raise ValueError("get_local_variable: trainable=True is not supported; use get_variable")
    return tf.get_variable(
        name, shape, dtype, initializer, regularizer, False, chosen, caching_device, partitioner, validate_shape,
        use_resource, custom_getter, constraint, synchronization, aggregation,
    )  # fmt: skip


def tables_initializer(name: str = "init_all_tables") -> Any:
    """The operation that runs those of the collection TABLE_INITIALIZERS, such as iterators' initializers."""
    return tf.group(*tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS), name=name)


def no_regularizer(_: Any) -> None:
    """No penalty."""


class TensorSpec:
    """The shape, the dtype and the name of a tensor that a program expects."""

    def __init__(self, shape: Any, dtype: Any = tf.float32, name: str | None = None) -> None:
        self.shape, self.dtype, self.name = tf.TensorShape(shape), tf.as_dtype(dtype), name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The description of a tensor, under its name or another one."""
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """A description like another one, under its name or another one."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Whether the dtype is the same and the shapes do not contradict each other."""
        other = spec_or_tensor
        return bool(self.dtype == tf.as_dtype(other.dtype) and self.shape.is_compatible_with(other.shape))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"
