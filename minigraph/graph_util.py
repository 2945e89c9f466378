"""Graph definitions cut and frozen, under the names of TensorFlow 1's `tf.graph_util`."""

from minigraph.graphs.freeze import convert_variables_to_constants, extract_sub_graph

__all__ = ["convert_variables_to_constants", "extract_sub_graph"]
