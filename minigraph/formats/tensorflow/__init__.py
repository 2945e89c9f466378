"""TensorFlow 1's files: checkpoints of both versions, GraphDef and MetaGraphDef, TFRecord.

The public names are in `minigraph.train`, `minigraph.graph_util` and `tf.import_graph_def`. Knows no session.
"""
