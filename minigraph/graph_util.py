"""TensorFlow's graphs cut and frozen, under the names of TensorFlow 1's `tf.graph_util`."""

from minigraph.formats.tensorflow.graph_util import (
    convert_variables_to_constants,
    extract_sub_graph,
    remove_training_nodes,
    tensor_shape_from_node_def_name,
)

__all__ = [
    "convert_variables_to_constants",
    "extract_sub_graph",
    "remove_training_nodes",
    "tensor_shape_from_node_def_name",
]
