"""Labels as rows, batches by their number, progress bars, and names in configurations.

Works on arrays; knows no graph and no layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigraph.keras.lookup import custom_object_scope as custom_object_scope
from minigraph.keras.lookup import get_custom_objects as get_custom_objects
from minigraph.keras.progress import Progbar as Progbar
from minigraph.keras.utils import np_utils as np_utils
from minigraph.keras.utils.np_utils import normalize as normalize
from minigraph.keras.utils.np_utils import to_categorical as to_categorical

CustomObjectScope = custom_object_scope


class Sequence:
    """Base class of data that comes in batches by their number, for `Model.fit`.

    A subclass defines `__getitem__`, which returns the batch of a number as (inputs, targets) or (inputs, targets,
    weights), and `__len__`, the number of batches of an epoch.

    Example:
        >>> class Tens(tf.keras.utils.Sequence):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return np.full([4, 1], 10.0 * index), np.zeros([4, 1])
        >>> [len(x) for x, y in Tens()]
        [4, 4]
    """

    def __getitem__(self, index: int) -> Any:
        """A batch."""
        raise NotImplementedError

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """Prepare the next epoch. Does nothing by default."""

    def __iter__(self) -> Iterator[Any]:
        """The batches one after another."""
        return (self[i] for i in range(len(self)))
