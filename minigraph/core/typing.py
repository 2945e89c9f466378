"""Types of the arguments of public functions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from minigraph.core.dtypes import DType
from minigraph.core.operand import Operand
from minigraph.core.types import Dimension, TensorShape

TensorLike: TypeAlias = Operand[Any] | npt.ArrayLike | Sequence[Operand[Any] | npt.ArrayLike]
"""A tensor, a variable, anything that NumPy converts to an array of numbers, or a sequence of these."""

ArithmeticLike: TypeAlias = Operand[Any] | npt.NDArray[Any] | float
"""A tensor, a variable, an array or a number: a value that takes part in arithmetic with Python's operators."""

NumberLike: TypeAlias = float | np.number[Any] | Operand[Any]
"""A number, or a tensor or variable that holds one."""

DTypeLike: TypeAlias = DType | str | type[Any] | np.dtype[Any]
"""A dtype: `tf.float32`, `"float32"`, `np.float32`, or `np.dtype("float32")`."""

ShapeLike: TypeAlias = TensorShape | Sequence[int | Dimension | None] | int | None
"""A shape of known rank, None for a dimension that is unknown; None alone for a shape of unknown rank."""

AxisLike: TypeAlias = int | Sequence[int] | None
"""An axis, several, or None for all; negative numbers count from the last."""

Padding: TypeAlias = Literal["SAME", "VALID"]
PaddingLike: TypeAlias = Padding | Sequence[Sequence[int]]
"""A padding by name, or the numbers of zeros before and after each dimension."""

DataFormat1D: TypeAlias = Literal["NWC", "NCW"]
DataFormat2D: TypeAlias = Literal["NHWC", "NCHW"]
DataFormat3D: TypeAlias = Literal["NDHWC", "NCDHW"]
DataFormat: TypeAlias = DataFormat1D | DataFormat2D | DataFormat3D
"""The order of the axes: N the batch, C the channels, D the depth, H the rows, W the columns."""

Size: TypeAlias = int | Sequence[int]
"""Sizes along the spatial axes: one number for all, or one for each; ops also take one for each axis."""

LayerPadding: TypeAlias = Literal["valid", "same", "VALID", "SAME"]
LayerDataFormat: TypeAlias = Literal["channels_last", "channels_first"]

PathLike: TypeAlias = str | os.PathLike[str]
"""The path of a file or folder."""
