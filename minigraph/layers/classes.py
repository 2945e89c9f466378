"""Layers as objects, which make their variables at the first call and use them again at each other one."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar

from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.layers import functions
from minigraph.layers import other_ranks as more
from minigraph.run.variables import Variable, VariableScope, global_variables, trainable_variables, variable_scope


class Layer:
    """Base class: the arguments of the function of the same purpose, but for the inputs, which a call gives."""

    function: ClassVar[Callable[..., Tensor]]
    default_name: ClassVar[str] = "layer"

    def __init__(self, *args: Any, **options: Any) -> None:
        parameters = [p for p in signature(type(self).function).parameters if p != "inputs"]
        if len(args) > len(parameters):
            raise TypeError(f"{type(self).__name__} takes {len(parameters)} arguments, not {len(args)}")
        self._options = {**dict(zip(parameters, args, strict=False)), **options}
        options = {k: v for k, v in self._options.items() if k in ("name", "_reuse", "_scope")}
        self._name: str | None = options.get("name")
        for private in ("name", "_reuse", "_scope"):
            self._options.pop(private, None)
        unknown = [k for k in self._options if k not in parameters and "unsupported" not in parameters]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {unknown[0]!r}")
        self._scope: VariableScope | None = None

    def __call__(self, inputs: Any, **call: Any) -> Tensor:
        """The layer's result for `inputs`. `call`: what depends on the call, such as training."""
        x = convert_to_tensor(inputs)
        with x.graph.as_default():
            if self._takes_scope:
                return self._in_scope(x, call)
            return type(self).function(x, **self._options, **call, name=self._name)

    apply = __call__

    @property
    def _takes_scope(self) -> bool:
        return "reuse" in signature(type(self).function).parameters

    def _in_scope(self, x: Tensor, call: dict[str, Any]) -> Tensor:
        first = self._scope is None
        if self._scope is None:
            with variable_scope(self._name, default_name=self.default_name) as scope:
                self._scope = scope
        options = {**self._options, **call}
        return type(self).function(x, **options, name=self._scope, reuse=None if first else True)

    @property
    def name(self) -> str:
        if self._scope is not None:
            return self._scope.name.rpartition("/")[2]
        return self._name or self.default_name

    def _own(self, variables: list[Variable]) -> list[Variable]:
        if self._scope is None:
            return []
        return [v for v in variables if v.name.startswith(f"{self._scope.name}/")]

    @property
    def variables(self) -> list[Variable]:
        """All variables; none before the first call."""
        return self._own(global_variables())

    weights = variables

    @property
    def trainable_variables(self) -> list[Variable]:
        return self._own(trainable_variables())

    trainable_weights = trainable_variables

    def __getattr__(self, name: str) -> Variable:
        """A variable by its name in the layer, such as `kernel` or `bias`."""
        if not name.startswith("_"):
            for variable in self.variables:
                if variable.op.name.rpartition("/")[2] == name:
                    return variable
        raise AttributeError(f"{type(self).__name__} has no attribute or variable {name!r} (now)")


def _layer(name: str, function: Callable[..., Tensor]) -> type[Layer]:
    made = {"function": staticmethod(function), "default_name": function.__name__, "__doc__": function.__doc__}
    return type(name, (Layer,), {**made, "__module__": __name__})


AveragePooling1D = _layer("AveragePooling1D", more.average_pooling1d)
AveragePooling2D = _layer("AveragePooling2D", functions.average_pooling2d)
AveragePooling3D = _layer("AveragePooling3D", more.average_pooling3d)
BatchNormalization = _layer("BatchNormalization", functions.batch_normalization)
Conv1D = _layer("Conv1D", more.conv1d)
Conv3D = _layer("Conv3D", more.conv3d)
Conv2D = _layer("Conv2D", functions.conv2d)
Conv2DTranspose = _layer("Conv2DTranspose", more.conv2d_transpose)
Dense = _layer("Dense", functions.dense)
Dropout = _layer("Dropout", functions.dropout)
Flatten = _layer("Flatten", functions.flatten)
MaxPooling1D = _layer("MaxPooling1D", more.max_pooling1d)
MaxPooling2D = _layer("MaxPooling2D", functions.max_pooling2d)
MaxPooling3D = _layer("MaxPooling3D", more.max_pooling3d)
SeparableConv2D = _layer("SeparableConv2D", more.separable_conv2d)
