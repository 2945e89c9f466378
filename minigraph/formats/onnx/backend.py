"""ONNX's backend interface, by which its test runner and scoreboards run an implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.errors import MinigraphError
from minigraph.formats.onnx.importing import import_model
from minigraph.formats.onnx.library import UnsupportedError, require_onnx
from minigraph.formats.onnx.modelfile import read_model
from minigraph.run.session import Session

DEVICES = {"CPU": None, "CUDA": "cupy"}  # ONNX's names, and our backend; None is the default on CPUs


class PreparedModel:
    """A model in a session. `run` takes arrays in the order of the model's inputs, or by name."""

    def __init__(self, model: Any, device: str = "CPU") -> None:
        graph = tf.Graph()
        with graph.as_default():
            self.model = import_model(read_model(model), {}, False, {}, {})
        self.session = Session(graph=graph, backend=_backend_name(device))

    def run(self, inputs: Sequence[Any] | Mapping[str, Any] | Any, **options: Any) -> tuple[Any, ...]:
        """The outputs as arrays.

        Args:
            inputs: Arrays in the order of the model's inputs, arrays by name, or for one input the array.
            options: ONNX's further arguments; there are none.

        Returns:
            The outputs, in the model's order.

        Raises:
            UnsupportedError: There are more or fewer arrays than inputs, or options.
        """
        _refuse(options)
        tensors = self.model.inputs
        if isinstance(inputs, np.ndarray):
            inputs = [inputs]
        given = dict(inputs) if isinstance(inputs, Mapping) else dict(zip(tensors, inputs, strict=False))
        if len(inputs) != len(tensors) or given.keys() != tensors.keys():
            raise UnsupportedError(f"the model has the inputs {list(tensors)}, but {len(inputs)} arrays are given")
        return tuple(self.session.run(list(self.model.outputs.values()), {tensors[n]: a for n, a in given.items()}))


def _refuse(options: Mapping[str, Any]) -> None:
    if options:
        raise UnsupportedError(f"minigraph's backend for ONNX does not know the options {sorted(options)}")


def _backend_name(device: str) -> str | None:
    """Our name of a device of ONNX. Raises UnsupportedError if there is none."""
    kind, colon, number = device.partition(":")
    name = DEVICES.get(kind.upper())
    if kind.upper() not in DEVICES or (name is None and colon and number != "0"):
        raise UnsupportedError(f"minigraph has no device {device}; it has {', '.join(DEVICES)}")
    return None if name is None else f"{name}{colon}{number}"


class OnnxBackend:
    """minigraph as a backend in the sense of `onnx.backend.base.Backend`.

    Example:
        >>> from minigraph import onnx
        >>> x = tf.placeholder(tf.float32, [2], name="x")
        >>> model = onnx.to_model({"y": tf.nn.relu(x)})
        >>> onnx.Backend.prepare(model).run([np.array([-1, 2], np.float32)])[0].tolist()
        [0.0, 2.0]
    """

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **options: Any) -> bool:
        """Check that a model can be loaded and run on a device.

        Args:
            model: An onnx.ModelProto.
            device: "CPU", "CUDA", or a device with its number such as "CUDA:0".
            options: Refused; minigraph has none.

        Returns:
            Whether it can.
        """
        _refuse(options)
        if not cls.supports_device(device):
            return False
        try:
            with tf.Graph().as_default():
                import_model(read_model(model), {}, False, {}, {})
        except MinigraphError:
            return False
        return True

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **options: Any) -> PreparedModel:
        """Load a model for runs on a device.

        Args:
            model: An onnx.ModelProto.
            device: "CPU", "CUDA", or a device with its number such as "CUDA:0".
            options: Refused; minigraph has none.

        Returns:
            The model with a session of its own.

        Raises:
            UnsupportedError: There is no such kind of device, or an operator has no importer.
            BackendError: This machine does not have the device.
        """
        _refuse(options)
        return PreparedModel(model, device)

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **options: Any) -> tuple[Any, ...]:
        """Load a model and run it once.

        Args:
            model: An onnx.ModelProto.
            inputs: Arrays in the order of the model's inputs.
            device: "CPU", "CUDA", or a device with its number such as "CUDA:0".
            options: Refused; minigraph has none.

        Returns:
            The outputs, in the model's order.
        """
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(
        cls, node: Any, inputs: Sequence[Any], device: str = "CPU", outputs_info: Any = None, **options: Any
    ) -> tuple[Any, ...]:
        """The outputs of one node, an onnx.NodeProto.

        Args:
            node: The node.
            inputs: Arrays in the order of its inputs; those that are left out of the node have none.
            device: The device.
            outputs_info: No effect: the outputs' types follow from the inputs.
            options: `opset_version`, by default the latest that the onnx package knows.

        Returns:
            The outputs, by name as well.
        """
        onnx = require_onnx()
        version = options.pop("opset_version", onnx.defs.onnx_opset_version())
        _refuse(options)
        names = [n for n in dict.fromkeys(node.input) if n]
        arrays = [np.asarray(a) for a in inputs]
        infos = [
            onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in zip(names, arrays, strict=True)
        ]
        results = [onnx.helper.make_empty_tensor_value_info(o) for o in node.output if o]
        opset = onnx.helper.make_opsetid("", version)
        graph = onnx.helper.make_graph([node], "node", infos, results)
        inferred = onnx.shape_inference.infer_shapes(onnx.helper.make_model(graph, opset_imports=[opset]))
        found = cls.run_model(inferred, arrays, device)
        kind = NamedTuple("Outputs", [(f"output_{i}", Any) for i in range(len(found))])  # type: ignore[misc]
        return kind(*found)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Check that runs on a device are possible here.

        Args:
            device: "CPU", "CUDA", or a device with its number such as "CUDA:0".

        Returns:
            Whether they are.
        """
        from minigraph.backend.discovery import get_backend

        try:
            get_backend(_backend_name(device))
        except MinigraphError:
            return False
        return True
