"""Savers and graphs in TensorFlow's form, which is what old programs write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import minigraph as tf
from minigraph.core.protos import proto
from minigraph.train.meta_graph_def import export_tensorflow_meta_graph


class TensorFlowSaver(tf.train.Saver):
    """`tf.train.Saver` with checkpoints of TensorFlow's form as the default."""

    def __init__(
        self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None, restore_sequentially: bool = False,
        saver_def: Any = None, builder: None = None, defer_build: bool = False, allow_empty: bool = False,
        write_version: Any = 2, pad_step_number: bool = False, save_relative_paths: bool = False, filename: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            var_list, reshape, sharded, max_to_keep, keep_checkpoint_every_n_hours, name, restore_sequentially,
            saver_def, builder, defer_build, allow_empty, write_version, pad_step_number, save_relative_paths, filename,
        )  # fmt: skip

    def export_meta_graph(
        self, filename: Any = None, collection_list: Any = None, as_text: bool = False, export_scope: None = None,
        clear_devices: bool = False, clear_extraneous_savers: bool = False, strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:  # fmt: skip
        """The default graph as a `MetaGraphDef`, written to a file if one is named."""
        return export_tensorflow_meta_graph(
            filename, None, None, self.as_saver_def(), collection_list, as_text, None, export_scope, clear_devices,
            clear_extraneous_savers, strip_default_attrs, save_debug_info,
        )  # fmt: skip


class MessageClasses:
    """TensorFlow's message classes by name, with the module that has each; they need TensorBoard."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.__all__ = tuple(modules)
        self._modules = modules

    def __getattr__(self, name: str) -> Any:
        if name in self.__all__:
            return proto(self._modules[name], name)
        raise AttributeError(name)


Saver = TensorFlowSaver
export_meta_graph = export_tensorflow_meta_graph
