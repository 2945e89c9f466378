"""Bundles as TensorFlow's frozen graphs, for its program label_image and others."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph_def import GraphRecords
from minigraph.graphs.importing import add_nodes, base_name
from minigraph.models.bundle import Bundle

INPUT = "input"


def bundle_message(bundle: Bundle, output: str) -> Any:
    """A `GraphDef` of a bundle. Its input, "input", takes images [N,H,W,C], RGB or grey, from 0 to 1.

    So it works with label_image's defaults, a mean of 0 and a divisor of 255; the bundle's own scaling is in the graph.
    output: the name of the node of the probabilities.
    """
    scaling, name = bundle.preprocessing, base_name(bundle.images)
    with tf.Graph().as_default() as graph:
        size = bundle.image_size
        images = tf.placeholder(tf.float32, [None, size, size, len(scaling.channels)], name=INPUT)
        with tf.name_scope("scale"):
            pixels = images * 255.0
            if scaling.channels == "BGR":
                pixels = tf.reverse(pixels, [3])
            prepared = (pixels - list(scaling.mean)) / list(scaling.std)
        rest = GraphRecords([n for n in bundle.graph_def.node if n.name != name], bundle.graph_def.op_count)
        made = add_nodes(graph, rest, replaced={bundle.images: prepared})
        found = made[base_name(bundle.predictions)].outputs[0]
        if found.op.name != output:
            tf.identity(found, name=output)
        return tf.graph_util.extract_sub_graph(graph.as_graph_def(), [output])
