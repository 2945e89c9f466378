"""SavedModel folders of TensorFlow 1: a graph, its variables, and signatures, under `tf.saved_model`'s names.

Needs TensorBoard, which has TensorFlow's messages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.operand import Operand
from minigraph.core.protos import proto, saved_model_class
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.graph_def import read_message_file, write_message
from minigraph.formats.tensorflow.meta_graph import meta_graph_message
from minigraph.formats.tensorflow.values import to_number, write_shape
from minigraph.run.session import Session
from minigraph.run.variable_lists import global_variables
from minigraph.train.checkpoint_state import checkpoint_exists
from minigraph.train.restored import import_message
from minigraph.train.saver import Saver

__all__ = [
    "Builder",
    "SavedModelBuilder",
    "build_signature_def",
    "build_tensor_info",
    "contains_saved_model",
    "get_tensor_from_tensor_info",
    "load",
    "maybe_saved_model_directory",
    "predict_signature_def",
    "signature_constants",
    "simple_save",
    "tag_constants",
]

_FILE, _TEXT_FILE = "saved_model.pb", "saved_model.pbtxt"
_INIT_KEYS = ("saved_model_main_op", "legacy_init_op")

tag_constants = SimpleNamespace(SERVING="serve", TRAINING="train", GPU="gpu", TPU="tpu", EVAL="eval")
signature_constants = SimpleNamespace(
    DEFAULT_SERVING_SIGNATURE_DEF_KEY="serving_default",
    PREDICT_METHOD_NAME="tensorflow/serving/predict", PREDICT_INPUTS="inputs", PREDICT_OUTPUTS="outputs",
    CLASSIFY_METHOD_NAME="tensorflow/serving/classify", CLASSIFY_INPUTS="inputs",
    CLASSIFY_OUTPUT_CLASSES="classes", CLASSIFY_OUTPUT_SCORES="scores",
    REGRESS_METHOD_NAME="tensorflow/serving/regress", REGRESS_INPUTS="inputs", REGRESS_OUTPUTS="outputs",
)  # fmt: skip


def build_tensor_info(tensor: Tensor | Operand[Any]) -> Any:
    """Describe a tensor for a signature.

    Args:
        tensor: The tensor.

    Returns:
        A `TensorInfo`: its name, dtype and shape.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> tf.saved_model.build_tensor_info(x).name
        'x:0'
    """
    given = tensor if isinstance(tensor, Tensor) else tensor.as_graph_tensor()
    kind = proto("meta_graph", "TensorInfo")
    return kind(name=given.name, dtype=to_number(given.dtype), tensor_shape=write_shape(given.type.shape))


def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Graph | None = None, import_scope: str | None = None
) -> Tensor:
    """Find the tensor that a signature describes.

    Args:
        tensor_info: The `TensorInfo`.
        graph: The graph; by default the default graph.
        import_scope: The scope into which the model was loaded.

    Returns:
        The tensor.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> tf.saved_model.get_tensor_from_tensor_info(tf.saved_model.build_tensor_info(x)) is x
        True
    """
    name = f"{import_scope}/{tensor_info.name}" if import_scope else tensor_info.name
    return (graph or get_default_graph()).get_tensor_by_name(name)


def build_signature_def(
    inputs: Mapping[str, Any] | None = None, outputs: Mapping[str, Any] | None = None, method_name: str | None = None
) -> Any:
    """Make a signature.

    Args:
        inputs: `TensorInfo` of the inputs by name.
        outputs: `TensorInfo` of the outputs by name.
        method_name: What the signature computes, such as `tf.saved_model.signature_constants.PREDICT_METHOD_NAME`.

    Returns:
        A `SignatureDef`.

    Example:
        >>> x = tf.placeholder(tf.float32, name="x")
        >>> info = tf.saved_model.build_tensor_info(x)
        >>> tf.saved_model.build_signature_def({"x": info}, {"y": info}, "predict").outputs["y"].name
        'x:0'
    """
    return proto("meta_graph", "SignatureDef")(inputs=inputs, outputs=outputs, method_name=method_name or "")


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """Make a signature for predictions.

    Args:
        inputs: Tensors by name.
        outputs: Tensors by name.

    Returns:
        A `SignatureDef`.

    Raises:
        ValueError: There are no inputs or no outputs.

    Example:
        >>> x = tf.placeholder(tf.float32, name="x")
        >>> tf.saved_model.predict_signature_def({"x": x}, {"y": tf.square(x)}).method_name
        'tensorflow/serving/predict'
    """
    if not inputs or not outputs:
        raise ValueError("Prediction inputs and outputs cannot be None or empty.")
    taken, given = ({name: build_tensor_info(t) for name, t in each.items()} for each in (inputs, outputs))
    return build_signature_def(taken, given, signature_constants.PREDICT_METHOD_NAME)


class SavedModelBuilder:
    """Writes a SavedModel; `tf.saved_model.Builder` for short.

    Args:
        export_dir: The folder, which must be new or empty.

    Raises:
        AssertionError: The folder has files.

    Example:
        >>> x = tf.placeholder(tf.float32, [None], name="x")
        >>> y = x * tf.Variable(2.0)
        >>> builder = tf.saved_model.Builder("export")
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     signature = tf.saved_model.predict_signature_def({"x": x}, {"y": y})
        ...     builder.add_meta_graph_and_variables(sess, ["serve"], {"serving_default": signature})
        >>> builder.save()
        'export/saved_model.pb'
    """

    def __init__(self, export_dir: PathLike) -> None:
        self._folder = os.fspath(export_dir)
        if os.path.isdir(self._folder) and os.listdir(self._folder):
            raise AssertionError(
                "Export directory already exists, and isn't empty. Please choose a different export directory, or "
                f"delete all the contents of the specified directory: {self._folder}"
            )
        self._message = saved_model_class()(saved_model_schema_version=1)
        self._has_variables = False

    def add_meta_graph_and_variables(
        self, sess: Session, tags: Iterable[str], signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None, legacy_init_op: Node | None = None, clear_devices: bool = False,
        main_op: Node | None = None, strip_default_attrs: bool = False, saver: Saver | None = None,
    ) -> None:  # fmt: skip
        """Add the session's graph, and write its variables. The first graph of a model is added so.

        Args:
            sess: The session.
            tags: Names by which the graph is found, such as `tf.saved_model.tag_constants.SERVING`.
            signature_def_map: Signatures by name.
            assets_collection: Not supported; it must be None or empty.
            legacy_init_op, main_op: An operation that runs when the model is loaded.
            clear_devices, strip_default_attrs: TensorFlow 1's; they have no effect: the graph has no devices, and few
                attributes that have their defaults.
            saver: The Saver of the variables; by default one of all global variables.

        Raises:
            AssertionError: The variables were written already.
            FailedPreconditionError: A variable has no value yet.
        """
        refuse("tf.saved_model.Builder", assets_collection=assets_collection or None)
        if self._has_variables:
            raise AssertionError("Graph state including variables and assets has already been saved. Please invoke "
                                 "`add_meta_graph()` instead.")  # fmt: skip
        with sess.graph.as_default():
            if saver is None and global_variables():
                with sess.graph.counted_as(0):
                    saver = Saver(write_version=2)
        if saver is not None:
            prefix = os.path.join(self._folder, "variables", "variables")
            saver.save(sess, prefix, write_meta_graph=False, write_state=False)
        self._has_variables = True
        self._add(sess.graph, tags, signature_def_map, main_op or legacy_init_op, saver)

    def add_meta_graph(
        self, tags: Iterable[str], signature_def_map: Mapping[str, Any] | None = None, assets_collection: Any = None,
        legacy_init_op: Node | None = None, clear_devices: bool = False, main_op: Node | None = None,
        strip_default_attrs: bool = False, saver: Saver | None = None,
    ) -> None:  # fmt: skip
        """Add the default graph, whose variables have the values of the first graph's.

        Args:
            tags, signature_def_map, assets_collection, legacy_init_op: As for `add_meta_graph_and_variables`.
            clear_devices, main_op, strip_default_attrs, saver: As for `add_meta_graph_and_variables`.

        Raises:
            AssertionError: No variables were written yet.
        """
        refuse("tf.saved_model.Builder", assets_collection=assets_collection or None)
        if not self._has_variables:
            raise AssertionError("Graph state including variables and assets has not been saved yet. Please invoke "
                                 "`add_meta_graph_and_variables()` first.")  # fmt: skip
        self._add(get_default_graph(), tags, signature_def_map, main_op or legacy_init_op, saver)

    def _add(
        self, graph: Graph, tags: Iterable[str], signatures: Mapping[str, Any] | None, init: Node | None,
        saver: Saver | None,
    ) -> None:  # fmt: skip
        with graph.as_default():
            saved = saver.variables if saver is not None else {v.op.name: v for v in global_variables()}
        message = meta_graph_message(graph, saved, tags=tags)
        if init is not None:
            message.collection_def[_INIT_KEYS[0]].node_list.value.append(init.name)
        for name, signature in (signatures or {}).items():
            message.signature_def[name].CopyFrom(signature)
        self._message.meta_graphs.append(message)

    def save(self, as_text: bool = False) -> str:
        """Write the model.

        Args:
            as_text: Whether the file is text.

        Returns:
            The path of the file.
        """
        path = os.path.join(self._folder, _TEXT_FILE if as_text else _FILE)
        write_message(path, self._message, as_text)
        return path


Builder = SavedModelBuilder


def simple_save(
    session: Session, export_dir: PathLike, inputs: Mapping[str, Any], outputs: Mapping[str, Any],
    legacy_init_op: Node | None = None,
) -> None:  # fmt: skip
    """Write a SavedModel with one graph, tagged `serve`, and one signature, `serving_default`.

    Args:
        session: The session.
        export_dir: The folder, which must be new or empty.
        inputs: Tensors by name.
        outputs: Tensors by name.
        legacy_init_op: An operation that runs when the model is loaded.

    Raises:
        AssertionError: The folder has files.
        FailedPreconditionError: A variable has no value yet.

    Example:
        >>> x = tf.placeholder(tf.float32, [None], name="x")
        >>> y = tf.multiply(x, tf.Variable(2.0), name="y")
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     tf.saved_model.simple_save(sess, "model", {"x": x}, {"y": y})
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     model = tf.saved_model.load(sess, ["serve"], "model")
        ...     print(sess.run(model.signature_def["serving_default"].outputs["y"].name, {"x:0": [1.0, 2.0]}))
        [2. 4.]
    """
    builder = SavedModelBuilder(export_dir)
    signature = predict_signature_def(inputs, outputs)
    key = signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    builder.add_meta_graph_and_variables(session, [tag_constants.SERVING], {key: signature}, main_op=legacy_init_op)
    builder.save()


def contains_saved_model(export_dir: PathLike) -> bool:
    """Tell whether a folder is a SavedModel.

    Args:
        export_dir: The folder.

    Returns:
        True if the file with its graphs exists.

    Example:
        >>> tf.saved_model.contains_saved_model("no_such_folder")
        False
    """
    return any(os.path.isfile(os.path.join(os.fspath(export_dir), name)) for name in (_FILE, _TEXT_FILE))


maybe_saved_model_directory = contains_saved_model


def read_saved_model(export_dir: PathLike) -> Any:
    """The `SavedModel` message of a folder. NotFoundError; DataLossError."""
    folder = os.fspath(export_dir)
    for name in (_FILE, _TEXT_FILE):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return read_message_file(path, saved_model_class(), "a SavedModel", lambda m: len(m.meta_graphs) > 0)
    raise NotFoundError(f"SavedModel file does not exist at: {folder}/{{{_TEXT_FILE}|{_FILE}}}")


def choose_meta_graph(model: Any, tags: Sequence[str] | None, where: str) -> Any:
    """The graph with exactly these tags; for None the only one, or the one to serve. RuntimeError if there is none."""
    found = [m for m in model.meta_graphs if tags is None or set(m.meta_info_def.tags) == set(tags)]
    if tags is None and len(found) > 1:
        found = [m for m in found if tag_constants.SERVING in m.meta_info_def.tags]
    if not found:
        known = [sorted(m.meta_info_def.tags) for m in model.meta_graphs]
        asked = ", ".join(sorted(tags or [tag_constants.SERVING]))
        raise RuntimeError(
            f"MetaGraphDef associated with tags '{asked}' could not be found in SavedModel {where}; it has {known}"
        )
    return found[0]


def load(
    sess: Session, tags: Sequence[str] | None, export_dir: PathLike, import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:  # fmt: skip
    """Load a SavedModel into a session: its graph, its variables' values, and what it runs at the start.

    Args:
        sess: The session. Its graph gets the model's nodes.
        tags: The tags of the graph; None for the only one.
        export_dir: The folder.
        import_scope: Name scope of the nodes.
        **saver_kwargs: Arguments of the Saver.

    Returns:
        The `MetaGraphDef`; its `signature_def` names inputs and outputs.

    Raises:
        NotFoundError: The folder is no SavedModel, or a variable has no value in it.
        DataLossError: A file is damaged.
        RuntimeError: The model has no graph with these tags.
        GraphError: minigraph lacks ops of the graph, which the message names.

    Example:
        >>> x = tf.placeholder(tf.float32, [None], name="x")
        >>> with tf.Session() as sess:
        ...     tf.saved_model.simple_save(sess, "model", {"x": x}, {"y": tf.square(x, name="y")})
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     model = tf.saved_model.load(sess, ["serve"], "model")
        ...     print(sess.run("y:0", {"x:0": [1.0, 2.0]}))
        [1. 4.]
    """
    folder = os.fspath(export_dir)
    message = choose_meta_graph(read_saved_model(folder), tags, folder)
    if message.graph_def.library.function and not message.signature_def:
        raise DataLossError(f"{folder} is a SavedModel of functions, with no signature")
    with sess.graph.as_default():
        saver, loaded = import_message(message, import_scope or "", None, saver_kwargs)
        prefix = os.path.join(folder, "variables", "variables")
        if saver is not None and loaded.variables and checkpoint_exists(prefix):
            saver.restore(sess, prefix)
        for key in _INIT_KEYS:
            for name in message.collection_def[key].node_list.value if key in message.collection_def else ():
                if (node := loaded.nodes.get(name.partition(":")[0])) is not None:
                    sess.run(node)
    return message
