"""Named lists of any items, which a graph keeps."""

from __future__ import annotations

import re
from typing import Any


class Collections:
    """Lists by name. A list comes into being with its first item, or when `get_collection_ref` asks for it."""

    def __init__(self) -> None:
        self._collections: dict[Any, list[Any]] = {}

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Append an item to a collection.

        Args:
            name: Name of the collection.
            value: The item.
        """
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Append an item to several collections.

        Args:
            names: Name of a collection, or several, each of which counts once; None for no collection.
            value: The item.
        """
        for name in [names] if isinstance(names, str) else dict.fromkeys(names or ()):
            self.add_to_collection(name, value)

    def clear_collection(self, name: Any) -> None:
        """Remove a collection, if it exists.

        Args:
            name: Name of the collection.
        """
        self._collections.pop(name, None)

    def get_collection_ref(self, name: Any) -> list[Any]:
        """Give a collection itself: changes of the list are changes of the collection.

        Args:
            name: Name of the collection, which is made if it does not exist.

        Returns:
            The list.
        """
        return self._collections.setdefault(name, [])

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """Give a copy of a collection.

        Args:
            name: Name of the collection.
            scope: Only items whose names match this regular expression from their start on.

        Returns:
            A list, empty if there is no such collection.
        """
        items = self._collections.get(name, [])
        if not scope:
            return list(items)
        pattern = re.compile(scope)
        return [i for i in items if hasattr(i, "name") and pattern.match(i.name)]

    def get_all_collection_keys(self) -> list[Any]:
        """List the names of the collections.

        Returns:
            The names, in the order of making.
        """
        return list(self._collections)


class GraphKeys:
    """Names of the standard collections.

    Example:
        >>> w = tf.Variable(1.0, name="w")
        >>> tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
        [<tf.Variable 'w:0' shape=() dtype=float32_ref>]
    """

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    MODEL_VARIABLES = "model_variables"
    METRIC_VARIABLES = "metric_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    UPDATE_OPS = "update_ops"
    GLOBAL_STEP = "global_step"
    SUMMARIES = "summaries"
    TRAIN_OP = "train_op"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    SAVERS = "savers"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    SUMMARY_OP = "summary_op"
    QUEUE_RUNNERS = "queue_runners"
    COND_CONTEXT = "cond_context"
    CONCATENATED_VARIABLES = "concatenated_variables"
    EVAL_STEP = "eval_step"
    LOCAL_RESOURCES = "local_resources"
    RESOURCES = "resources"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SAVEABLE_OBJECTS = "saveable_objects"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    VARIABLES = "variables"
    WHILE_CONTEXT = "while_context"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
