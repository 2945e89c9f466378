"""Transfer learning: a network learns the digits 0 to 4, and its features, frozen, serve for 5 to 9."""

import os

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

tf.app.flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
tf.app.flags.DEFINE_string("train_dir", "transfer", "Folder for the checkpoint.")
tf.app.flags.DEFINE_integer("steps", 40, "Training steps of each part.")
FLAGS = tf.app.flags.FLAGS


def build(head):
    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.int64, [None])
    with tf.variable_scope("features"):
        net = tf.reshape(x, [-1, 28, 28, 1])
        net = tf.layers.conv2d(net, 8, 5, strides=2, padding="same", activation=tf.nn.relu)
        net = tf.layers.dense(tf.layers.flatten(net), 48, activation=tf.nn.relu)
    with tf.variable_scope(head):
        logits = tf.layers.dense(net, 5)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    return x, y, loss, accuracy


def take(images, labels, first):
    chosen = (labels >= first) & (labels < first + 5)
    return images[chosen], labels[chosen] - first


def train(sess, data, handles, step_op, first, count):
    x, y, loss, _ = handles
    for _ in range(count):
        xs, ys = take(*data.train.next_batch(80) + (first,))
        value, _ = sess.run([loss, step_op], {x: xs, y: ys})
        print("loss %.6f" % value)


tf.set_random_seed(8)
mnist = input_data.read_data_sets(FLAGS.data_dir, validation_size=500)
path = os.path.join(FLAGS.train_dir, "features.ckpt")
tf.gfile.MakeDirs(FLAGS.train_dir)

with tf.Graph().as_default(), tf.Session() as sess:
    tf.set_random_seed(8)
    handles = build("digits_0_4")
    step_op = tf.train.AdamOptimizer(0.005).minimize(handles[2])
    saver = tf.train.Saver(var_list=tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="features"))
    sess.run(tf.global_variables_initializer())
    train(sess, mnist, handles, step_op, 0, FLAGS.steps)
    path = saver.save(sess, path)

with tf.Graph().as_default(), tf.Session() as sess:
    tf.set_random_seed(9)
    handles = build("digits_5_9")
    features = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="features")
    head = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="digits_5_9")
    step_op = tf.train.AdamOptimizer(0.02).minimize(handles[2], var_list=head)
    saver = tf.train.Saver(features)
    sess.run(tf.global_variables_initializer())
    saver.restore(sess, path)
    before = sess.run(features)
    train(sess, mnist, handles, step_op, 5, FLAGS.steps)
    moved = max(abs(a - b).max() for a, b in zip(before, sess.run(features)))
    print("moved %.1f" % moved)
    xs, ys = take(mnist.test.images, mnist.test.labels, 5)
    print("accuracy %.4f" % sess.run(handles[3], {handles[0]: xs, handles[1]: ys}))
