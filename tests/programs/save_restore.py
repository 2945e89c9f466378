"""Saving, and going on in a new graph and session exactly where the old one stopped."""

import os

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_string("train_dir", "save_restore", "Folder for checkpoints.")
tf.app.flags.DEFINE_integer("steps", 40, "Training steps.")
FLAGS = tf.app.flags.FLAGS

random = np.random.RandomState(0)
inputs = random.normal(size=(200, 5)).astype(np.float32)
targets = np.sin(inputs.sum(axis=1, keepdims=True)).astype(np.float32)


def build():
    tf.set_random_seed(7)
    x = tf.placeholder(tf.float32, [None, 5], name="x")
    y = tf.placeholder(tf.float32, [None, 1], name="y")
    with tf.variable_scope("net"):
        w1 = tf.get_variable("w1", [5, 20], initializer=tf.random_normal_initializer(stddev=0.5))
        b1 = tf.get_variable("b1", [20], initializer=tf.zeros_initializer())
        w2 = tf.get_variable("w2", [20, 1], initializer=tf.random_normal_initializer(stddev=0.5))
    output = tf.matmul(tf.tanh(tf.matmul(x, w1) + b1), w2, name="output")
    loss = tf.reduce_mean(tf.squared_difference(output, y), name="loss")
    step = tf.Variable(0, trainable=False, name="global_step")
    train = tf.train.AdagradOptimizer(0.1).minimize(loss, global_step=step)
    return x, y, loss, step, train


def run(sess, handles, until):
    x, y, loss, step, train = handles
    while sess.run(step) < until:
        value, _ = sess.run([loss, train], {x: inputs, y: targets})
        print("step %d loss %.6f" % (sess.run(step), value))


if not tf.gfile.Exists(FLAGS.train_dir):
    tf.gfile.MakeDirs(FLAGS.train_dir)
prefix = os.path.join(FLAGS.train_dir, "model")

with tf.Graph().as_default():
    handles = build()
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for until in (5, 10, FLAGS.steps // 2):
            run(sess, handles, until)
            saver.save(sess, prefix, global_step=handles[3])
    print("kept %d" % len(saver.last_checkpoints))

with tf.Graph().as_default():
    handles = build()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        latest = tf.train.latest_checkpoint(FLAGS.train_dir)
        saver.restore(sess, latest)
        print("restored step %d" % sess.run(handles[3]))
        run(sess, handles, FLAGS.steps)
