"""`tf.contrib.slim.model_analyzer`: sizes of a model's variables and results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def tensor_description(var: Any) -> str:
    """The dtype, the shape, and the size in bytes."""
    kind = var.dtype.base_dtype if hasattr(var.dtype, "base_dtype") else var.dtype
    dims = var.get_shape().as_list()
    shape = "x".join(str(d) for d in dims) if dims else "1"
    size = "?" if None in dims else str(int(np.prod(dims)) * kind.size)
    return f"({kind.name} {shape}) [{int(np.prod(dims)) if None not in dims else '?'}, bytes: {size}]"


def analyze_ops(graph: Any, print_info: bool = False) -> int:
    """The number of elements of all results of known shape."""
    total = 0
    if print_info:
        print("---------\nOperations: name -> (type shapes) [size]\n---------")
    for node in graph.get_operations():
        sizes = [t.get_shape().num_elements() or 0 for t in node.outputs]
        total += sum(sizes)
        if print_info:
            print(node.name, "\t->", ", ".join(f"{t.name} {tensor_description(t)}" for t in node.outputs))
    if print_info:
        print("---------\nTotal size:", total)
    return total


def analyze_vars(variables: Iterable[Any], print_info: bool = False) -> tuple[int, int]:
    """The number of elements and of bytes of variables."""
    elements = size = 0
    if print_info:
        print("---------\nVariables: name (type shape) [size]\n---------")
    for variable in variables:
        count = variable.get_shape().num_elements() or 0
        elements += count
        size += count * variable.dtype.size
        if print_info:
            print(variable.name, tensor_description(variable))
    if print_info:
        print("Total size of variables:", elements, "\nTotal bytes of variables:", size)
    return elements, size
