"""Record checkpoints as TensorFlow 1.15.5's Saver writes them, of both kinds, and in values.npz what it had in memory.

Needs CPython 3.7 with ``pip install tensorflow==1.15.5 "protobuf<3.21" "numpy<1.19"``. Then, in this folder:

    python record.py
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saver_pb2

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
tf.set_random_seed(1)
with tf.variable_scope("conv"):
    weights = tf.get_variable("weights", [3, 3, 2, 4])
    biases = tf.get_variable("biases", [4], initializer=tf.random_normal_initializer())
with tf.device("/cpu:1"):  # kept in a second file by a Saver that shards
    scalar = tf.Variable(-1.5, name="scalar")
    tf.Variable(np.arange(200.0).reshape(2, 100), name="doubles")
with tf.variable_scope("split", partitioner=tf.fixed_size_partitioner(3)):
    tf.get_variable("rows", [200, 3])
with tf.variable_scope("split", partitioner=tf.fixed_size_partitioner(2, axis=1)):
    tf.get_variable("columns", [3, 5])
for dtype in (np.float16, np.int8, np.uint8, np.int16, np.int32, np.int64):
    tf.Variable(np.arange(-3, 3).astype(dtype), name=np.dtype(dtype).name)
tf.Variable([True, False, True], name="bools")
tf.Variable(tf.zeros([0, 2]), name="empty")
tf.Variable(tf.cast([1.5, -2.5, 1e10], tf.bfloat16), name="brain")
tf.Variable(["text", "is left out"], name="text")
loss = tf.reduce_sum(tf.square(weights)) + tf.reduce_sum(biases)
step = tf.train.AdamOptimizer(0.1).minimize(loss, tf.train.get_or_create_global_step(), [weights, biases])

variables = tf.global_variables()
# The first kind cannot hold these.
old = [v for v in variables if v.dtype.base_dtype not in (tf.bfloat16,)]
with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        session.run(step)
    tf.train.Saver().save(session, "./model", global_step=3, write_meta_graph=False)
    tf.train.Saver(sharded=True).save(session, "./sharded", write_meta_graph=False)
    first = tf.train.Saver(old, write_version=saver_pb2.SaverDef.V1)
    first.save(session, "./first.ckpt", write_meta_graph=False)
    values = {}
    for variable in variables:
        info = variable._get_save_slice_info()
        if info is None and variable.dtype.base_dtype != tf.string:
            wide = tf.cast(variable, tf.float32) if variable.op.name == "brain" else variable
            values[variable.op.name] = session.run(wide)
    for name in ("rows", "columns"):
        parts = sorted((v for v in variables if v.op.name.startswith("split/" + name)), key=lambda v: v.op.name)
        values["split/" + name] = np.concatenate(session.run(parts), 0 if name == "rows" else 1)
np.savez_compressed("values.npz", **values)
os.remove("checkpoint")
