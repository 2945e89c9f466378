"""Layers as objects, under the names of TensorFlow 1's `tf.layers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.layers import functions, normalization, transposed
from minigraph.layers import other_ranks as others
from minigraph.layers.base import Layer
from minigraph.layers.calls import LayerCall
from minigraph.run.variable_scope import variable_scope
from minigraph.util.nest import flatten

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P", default=...)  # so that `Layer` alone is a type
else:
    from typing import ParamSpec

    P = ParamSpec("P")

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Dense",
    "Dropout",
    "Flatten",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "SeparableConv2D",
]


class FunctionLayer(Layer, Generic[P]):
    """A layer that calls a function. Its constructor takes the arguments of the function, but for `inputs`."""

    function: ClassVar[Callable[..., Tensor]]
    parameters: ClassVar[Sequence[str]] = ()

    def __init__(self, *args: P.args, **options: P.kwargs) -> None:
        parameters = self.parameters
        if len(args) > len(parameters):
            raise TypeError(f"{type(self).__name__} takes {len(parameters)} arguments, not {len(args)}")
        self._options: dict[str, Any] = {**dict(zip(parameters, args, strict=False)), **options}
        private = {name: self._options.pop(name, None) for name in ("_reuse", "_scope")}
        super().__init__(self._options.get("trainable", True), self._options.pop("name", None), **private)
        unknown = [k for k in self._options if k not in parameters]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {unknown[0]!r}")
        self._name_scope: str | None = None  # of a layer without variables; later calls open it again

    def __call__(self, inputs: TensorLike, *args: Any, **call: Any) -> Tensor:
        """Apply the layer.

        Args:
            inputs: The argument `inputs` of the layer's function.
            *args: `training`, for layers that take it.
            **call: Arguments that depend on the call, such as `training`.

        Returns:
            The result of the layer's function.

        Raises:
            TypeError: There are more arguments than the layer takes.
        """
        if args:
            if len(args) > 1 or "training" not in self.parameters or "training" in call:
                raise TypeError(f"{type(self).__name__} is called with `inputs`, not with {1 + len(args)} arguments")
            call["training"] = args[0]
        x = convert_to_tensor(inputs)
        self.dtype = self.dtype or x.dtype.base_dtype
        with x.graph.as_default():
            known = {name: len(x.graph.get_collection(name)) for name in self._added}
            made = self._in_scope(x, call) if self._takes_scope else self._in_name_scope(x, call)
            for name, already in known.items():
                self._added[name] += x.graph.get_collection(name)[already:]
            self.built = True
            self._calls.append(LayerCall(self, x, flatten(made), call))
            return made

    @property
    def _takes_scope(self) -> bool:
        return "reuse" in signature(type(self).function).parameters

    def _in_name_scope(self, x: Tensor, call: dict[str, Any]) -> Tensor:
        if self._name_scope is None:
            with x.graph.name_scope(self._name or self.default_name) as scope:
                self._name_scope = scope
        return type(self).function(x, **self._options, **call, name=self._name_scope)

    def _in_scope(self, x: Tensor, call: dict[str, Any]) -> Tensor:
        if self._scope is None:
            with variable_scope(self._name, default_name=self.default_name) as scope:
                self._scope = scope
        options = {**self._options, **call}
        return type(self).function(x, **options, name=self._scope, reuse=True if self.built else self._reuse)

    def __getattr__(self, name: str) -> Any:
        """A variable by its name in the layer, such as `kernel` or `bias`, or an argument of the constructor."""
        if not name.startswith("_"):
            for variable in self.variables:
                if variable.op.name.rpartition("/")[2] == name:
                    return variable
            if name in self.parameters:
                default = signature(type(self).function).parameters[name].default
                return self._options.get(name, default)
            if name == "bias" and self.built:
                return None
        known = getattr(type(self), name, None)
        if isinstance(known, property) and known.fget is not None:
            return known.fget(self)  # raises the property's own error, which led here
        raise AttributeError(f"{type(self).__name__} has no attribute or variable {name!r} yet")


def _layer(
    name: str, function: Callable[Concatenate[Any, P], Tensor], *shown: str, last: Sequence[str] = ("reuse",)
) -> type[FunctionLayer[P]]:
    """A class of layers for `function`.

    shown: example arguments, and the shapes of an input and its result. last: the arguments that come last, in order;
    TensorFlow's classes have some elsewhere than its functions.
    """
    _, *given = (whole := signature(function)).parameters.values()
    parameters = sorted(given, key=lambda p: last.index(p.name) if p.name in last else -1)
    members = {
        "function": staticmethod(function), "default_name": function.__name__, "__module__": __name__,
        "parameters": tuple(p.name for p in parameters),
        "__signature__": whole.replace(parameters=parameters), "__doc__": _document(name, function, *shown),
    }  # fmt: skip
    return type(name, (FunctionLayer,), members)


def _document(name: str, function: Callable[..., Tensor], arguments: str, given: str, made: str) -> str:
    """The docstring of a layer's class, from that of its function."""
    found = re.search(r"Args:\n +inputs: [^\n]*\n(.*?)\n\n", function.__doc__ or "", re.DOTALL)
    return f"""`tf.layers.{function.__name__}` as an object.

    A call `layer(inputs)` applies the layer. The first call makes its variables, if it has any.

    Args:
{found[1] if found else ""}

    Example:
        >>> layer = tf.layers.{name}({arguments})
        >>> layer(tf.zeros({given})).shape.as_list()
        {made}
    """


AveragePooling1D = _layer("AveragePooling1D", others.average_pooling1d, "2, 2", "[1, 6, 3]", "[1, 3, 3]")
AveragePooling2D = _layer("AveragePooling2D", functions.average_pooling2d, "2, 2", "[1, 6, 6, 3]", "[1, 3, 3, 3]")
AveragePooling3D = _layer("AveragePooling3D", others.average_pooling3d, "2, 2", "[1, 4, 4, 4, 3]", "[1, 2, 2, 2, 3]")
BatchNormalization = _layer("BatchNormalization", normalization.batch_normalization, "", "[2, 3]", "[2, 3]", last=(
    "trainable", "virtual_batch_size", "adjustment", "name", "training", "reuse", "sync"))  # fmt: skip
Conv1D = _layer("Conv1D", others.conv1d, "8, 3", "[1, 6, 3]", "[1, 4, 8]")
Conv2D = _layer("Conv2D", functions.conv2d, "8, 3", "[1, 6, 6, 3]", "[1, 4, 4, 8]")
Conv2DTranspose = _layer("Conv2DTranspose", transposed.conv2d_transpose, "8, 2, 2", "[1, 3, 3, 4]", "[1, 6, 6, 8]")
Conv3D = _layer("Conv3D", others.conv3d, "8, 3", "[1, 4, 6, 6, 3]", "[1, 2, 4, 4, 8]")
Conv3DTranspose = _layer(
    "Conv3DTranspose", transposed.conv3d_transpose, "8, 2, 2", "[1, 2, 3, 3, 4]", "[1, 4, 6, 6, 8]")  # fmt: skip
Dense = _layer("Dense", functions.dense, "10", "[2, 5]", "[2, 10]")
Dropout = _layer("Dropout", functions.dropout, "0.5", "[2, 5]", "[2, 5]", last=("name", "training"))
Flatten = _layer("Flatten", functions.flatten, "", "[2, 4, 4, 3]", "[2, 48]", last=("name",))
MaxPooling1D = _layer("MaxPooling1D", others.max_pooling1d, "2, 2", "[1, 6, 3]", "[1, 3, 3]")
MaxPooling2D = _layer("MaxPooling2D", functions.max_pooling2d, "2, 2", "[1, 6, 6, 3]", "[1, 3, 3, 3]")
MaxPooling3D = _layer("MaxPooling3D", others.max_pooling3d, "2, 2", "[1, 4, 4, 4, 3]", "[1, 2, 2, 2, 3]")
SeparableConv2D = _layer("SeparableConv2D", others.separable_conv2d, "8, 3", "[1, 6, 6, 3]", "[1, 4, 4, 8]")
