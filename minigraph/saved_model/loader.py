"""Reading SavedModel folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.protos import saved_model_class
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.graph_def import read_message_file
from minigraph.graphs.importing import base_name
from minigraph.run.session import Session
from minigraph.saved_model.constants import FILE, INIT_KEYS, TEXT_FILE, VARIABLES, tag_constants
from minigraph.train.checkpoint_state import checkpoint_exists
from minigraph.train.restored import import_message

__all__ = ["contains_saved_model", "load", "maybe_saved_model_directory"]


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
    return any(os.path.isfile(os.path.join(os.fspath(export_dir), name)) for name in (FILE, TEXT_FILE))


maybe_saved_model_directory = contains_saved_model


def read_saved_model(export_dir: PathLike) -> Any:
    """The `SavedModel` message of a folder. NotFoundError; DataLossError."""
    folder = os.fspath(export_dir)
    for name in (FILE, TEXT_FILE):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return read_message_file(path, saved_model_class(), "a SavedModel", lambda m: len(m.meta_graphs) > 0)
    raise NotFoundError(f"SavedModel file does not exist at: {folder}/{{{TEXT_FILE}|{FILE}}}")


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
    trusted: bool = False, **saver_kwargs: Any,
) -> Any:  # fmt: skip
    """Load a SavedModel into a session: its graph, its variables' values, and its initial operations.

    Args:
        sess: The session. Its graph gets the model's nodes.
        tags: The tags of the graph; None for the only one.
        export_dir: The folder.
        import_scope: Name scope of the nodes.
        trusted: Whether the graph may read and write files when it runs.
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
        saver, loaded = import_message(message, import_scope or "", None, saver_kwargs, trusted)
        prefix = os.path.join(folder, VARIABLES)
        if saver is not None and loaded.variables and checkpoint_exists(prefix):
            saver.restore(sess, prefix)
        for key in INIT_KEYS:
            for name in message.collection_def[key].node_list.value if key in message.collection_def else ():
                if (node := loaded.nodes.get(base_name(name))) is not None:
                    sess.run(node)
    return message
