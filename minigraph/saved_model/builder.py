"""Writing SavedModel folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Graph, Node
from minigraph.core.protos import saved_model_class
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.graph_def import write_message
from minigraph.formats.tensorflow.meta_graph import meta_graph_message
from minigraph.run.session import Session
from minigraph.run.variable_lists import global_variables
from minigraph.saved_model.constants import FILE, INIT_KEYS, TEXT_FILE, VARIABLES, signature_constants, tag_constants
from minigraph.saved_model.signatures import predict_signature_def
from minigraph.train.saver import Saver

__all__ = ["Builder", "SavedModelBuilder", "simple_save"]


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
            prefix = os.path.join(self._folder, VARIABLES)
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
            message.collection_def[INIT_KEYS[0]].node_list.value.append(init.name)
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
        path = os.path.join(self._folder, TEXT_FILE if as_text else FILE)
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
