"""The base class of layers as objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from minigraph.core.arguments import refuse
from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, float32
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorShape
from minigraph.core.typing import DTypeLike, ShapeLike
from minigraph.layers.calls import CalledLayer, LayerCall
from minigraph.layers.common import layer_scope
from minigraph.run.initializers import InitializerLike
from minigraph.run.variable_lists import global_variables, trainable_variables
from minigraph.run.variable_scope import Regularizer, VariableScope, get_variable, get_variable_scope, variable_scope
from minigraph.run.variables import Constraint, Variable
from minigraph.util.nest import flatten, listed, pack

__all__ = ["Layer"]


class Layer(CalledLayer):
    """Base class of layers as objects.

    A subclass has the method `call`, and `build` if it has variables. A layer makes its variables at its first call and
    uses them again at each later call.

    Args:
        trainable: Whether the variables are in `tf.GraphKeys.TRAINABLE_VARIABLES`.
        name: Variable scope of the layer; by default the class's name in small letters, with a number.
        dtype: Dtype of the variables; by default that of the first inputs.
        **kwargs: Not supported.

    Raises:
        ValueError: An argument is not supported.

    Example:
        >>> class Scale(tf.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_variable("factor", [input_shape[-1].value])
        ...         super().build(input_shape)
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> layer = Scale()
        >>> first, second = layer(tf.zeros([1, 5])), layer(tf.ones([1, 5]))
        >>> [v.name for v in layer.variables]
        ['scale/factor:0']
    """

    default_name: ClassVar[str] = ""
    call: Callable[..., Any]

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: DTypeLike | None = None, **kwargs: Any
    ) -> None:
        reuse = kwargs.pop("_reuse", None)
        kwargs.pop("_scope", None)
        refuse(type(self).__name__, **kwargs)
        self.trainable, self._name, self.dtype = trainable, name, None if dtype is None else as_dtype(dtype)
        self.built = False
        self._reuse = reuse
        self._scope: VariableScope | None = None
        self._calls: list[LayerCall] = []
        self._added: dict[str, list[Any]] = {GraphKeys.UPDATE_OPS: [], GraphKeys.REGULARIZATION_LOSSES: []}

    def build(self, input_shape: Any) -> None:
        """Make the variables, by `add_variable`. The first call of the layer calls it.

        Args:
            input_shape: A `tf.TensorShape`, or one for each tensor in the inputs.
        """
        self.built = True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer.

        Args:
            inputs: A tensor, or tensors.
            *args, **kwargs: Further arguments of `call`.

        Returns:
            The result of `call`.
        """
        tensors = [convert_to_tensor(x) for x in flatten(inputs)]
        if not tensors:
            raise ValueError(f"{type(self).__name__} is called without inputs")
        inputs = pack(inputs, tensors)
        with tensors[0].graph.as_default(), self._opened():
            if not self.built:
                self.dtype = self.dtype or tensors[0].dtype.base_dtype
                shapes = [x.shape for x in tensors]
                single = not isinstance(inputs, list | tuple) or not isinstance(inputs[0], Tensor)
                self.build(shapes[0] if single else shapes)
                self.built = True
            made = self.call(inputs, *args, **kwargs)
        self._calls.append(LayerCall(self, inputs, flatten(made), kwargs))
        return made

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer, as a call of it does.

        Args:
            inputs: A tensor, or tensors.
            *args, **kwargs: Further arguments of the call.

        Returns:
            The result.
        """
        return self(inputs, *args, **kwargs)

    def _opened(self) -> AbstractContextManager[None]:
        """The layer's variable scope."""
        if self._scope is None:
            with variable_scope(self._name, default_name=self._default_name()) as self._scope:
                pass
        return layer_scope(get_default_graph(), self._scope, "", True if self.built else self._reuse)

    def _default_name(self) -> str:
        words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", type(self).__name__)
        words = re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
        return self.default_name or (f"private{words}" if words.startswith("_") else words)

    def add_variable(
        self, name: str, shape: ShapeLike, dtype: DTypeLike | None = None, initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None, trainable: bool = True, constraint: Constraint | None = None,
    ) -> Variable:  # fmt: skip
        """Make a variable of the layer, or find it where the layer's scope is reused.

        Args:
            name: The name, below the layer's scope.
            shape: The shape, whose dimensions must be known.
            dtype: The dtype; by default the layer's.
            initializer: An initializer; by default the scope's, or else Glorot's uniform one.
            regularizer: A function from the variable to its penalty, which is added to
                `tf.GraphKeys.REGULARIZATION_LOSSES`.
            trainable: Whether the variable is in `tf.GraphKeys.TRAINABLE_VARIABLES`, if the layer is trainable.
            constraint: A function from the variable to the value that optimizers assign to it after each update.

        Returns:
            The variable.
        """
        if self._scope is None or get_variable_scope().name != self._scope.name:
            with self._opened():
                return self.add_variable(name, shape, dtype, initializer, regularizer, trainable, constraint)
        before = len(_penalties())
        made = get_variable(name, TensorShape(shape), dtype or self.dtype or float32, initializer, regularizer,
                            trainable and self.trainable, constraint=constraint)  # fmt: skip
        self._added[GraphKeys.REGULARIZATION_LOSSES] += _penalties()[before:]
        return made

    def add_weight(
        self, name: str, shape: ShapeLike, dtype: DTypeLike | None = None, initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None, trainable: bool | None = None, constraint: Constraint | None = None,
        use_resource: bool | None = None, synchronization: Any = None, aggregation: Any = None,
        partitioner: Any = None,
    ) -> Variable:  # fmt: skip
        """Make a variable of the layer, as `add_variable` does.

        Args:
            name, shape, dtype, initializer, regularizer, trainable, constraint: As for `add_variable`.
            use_resource, synchronization, aggregation: TensorFlow 1's; they have no effect.
            partitioner: Not supported.

        Returns:
            The variable.

        Raises:
            ValueError: An argument is not supported.
        """
        refuse(f"{type(self).__name__}.add_weight", partitioner=partitioner)
        return self.add_variable(name, shape, dtype, initializer, regularizer, trainable is not False, constraint)

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add losses to the layer and to `tf.GraphKeys.REGULARIZATION_LOSSES`.

        Args:
            losses: A scalar tensor, a number, a function without arguments that gives one, or a list of them.
            inputs: Has no effect.
        """
        made = [loss() if callable(loss) else loss for loss in listed(losses)]
        self._add(GraphKeys.REGULARIZATION_LOSSES, [convert_to_tensor(loss) for loss in made])

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add operations that update variables to the layer and to `tf.GraphKeys.UPDATE_OPS`.

        Args:
            updates: An operation, or a list of them.
            inputs: Has no effect.
        """
        self._add(GraphKeys.UPDATE_OPS, listed(updates))

    def _add(self, collection: str, values: Sequence[Any]) -> None:
        self._added[collection] += values
        for value in values:
            value.graph.add_to_collection(collection, value)

    @property
    def updates(self) -> list[Any]:
        """The operations that update the layer's moving averages, one group for each call that made some."""
        return self._added[GraphKeys.UPDATE_OPS]

    @property
    def losses(self) -> list[Tensor]:
        """The regularization losses of the layer's variables, and those of the layers that are its attributes."""
        inner = [layer for layer in flatten(list(vars(self).values())) if isinstance(layer, Layer)]
        own = self._added[GraphKeys.REGULARIZATION_LOSSES]
        return list(dict.fromkeys([*own, *(loss for layer in inner for loss in layer.losses)]))

    @property
    def name(self) -> str:
        """The last part of the variable scope's name, or the name that the layer will ask for."""
        if self._scope is not None:
            return self._scope.name.rpartition("/")[2]
        return self._name or self._default_name()

    @property
    def scope_name(self) -> str:
        """The name of the layer's variable scope. ValueError before the first call."""
        if self._scope is None:
            raise ValueError(f"No name available for layer scope because the layer {self.name!r} has not been used yet")
        return self._scope.name

    def _own(self, variables: list[Variable]) -> list[Variable]:
        if self._scope is None:
            return []
        return [v for v in variables if v.name.startswith(f"{self._scope.name}/")]

    @property
    def variables(self) -> list[Variable]:
        """All variables of the layer; none before the first call."""
        return self._own(global_variables())

    @property
    def trainable_variables(self) -> list[Variable]:
        """The trainable variables of the layer; none before the first call, or while `trainable` is False."""
        if not self.trainable:
            return []
        return self._own(trainable_variables())

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other variables of the layer, such as moving averages; none before the first call."""
        trainable = set(self.trainable_variables)
        return [v for v in self.variables if v not in trainable]

    def count_params(self) -> int:
        """Count the elements of all variables.

        Returns:
            The number of them.
        """
        return sum(v.type.size for v in self.variables)

    weights, trainable_weights, non_trainable_weights = variables, trainable_variables, non_trainable_variables


def _penalties() -> list[Any]:
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES)
