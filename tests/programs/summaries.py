"""Summaries of a training run, its graph, and a trace, for TensorBoard."""

import argparse
import os
import sys

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

FLAGS = None


def variable_summaries(var):
    with tf.name_scope("summaries"):
        mean = tf.reduce_mean(var)
        tf.summary.scalar("mean", mean)
        with tf.name_scope("stddev"):
            stddev = tf.sqrt(tf.reduce_mean(tf.square(var - mean)))
        tf.summary.scalar("stddev", stddev)
        tf.summary.histogram("histogram", var)


def nn_layer(input_tensor, input_dim, output_dim, layer_name, act=tf.nn.relu):
    with tf.name_scope(layer_name):
        with tf.name_scope("weights"):
            weights = tf.Variable(tf.truncated_normal([input_dim, output_dim], stddev=0.1))
            variable_summaries(weights)
        with tf.name_scope("biases"):
            biases = tf.Variable(tf.constant(0.1, shape=[output_dim]))
            variable_summaries(biases)
        with tf.name_scope("Wx_plus_b"):
            preactivate = tf.matmul(input_tensor, weights) + biases
            tf.summary.histogram("pre_activations", preactivate)
        activations = act(preactivate, name="activation")
        tf.summary.histogram("activations", activations)
        return activations


def main(_):
    tf.set_random_seed(10)
    mnist = input_data.read_data_sets(FLAGS.data_dir, one_hot=True, validation_size=500)
    sess = tf.InteractiveSession()
    with tf.name_scope("input"):
        x = tf.placeholder(tf.float32, [None, 784], name="x-input")
        y_ = tf.placeholder(tf.float32, [None, 10], name="y-input")
    with tf.name_scope("input_reshape"):
        tf.summary.image("input", tf.reshape(x, [-1, 28, 28, 1]), 4)
    hidden = nn_layer(x, 784, 50, "layer1")
    with tf.name_scope("dropout"):
        keep_prob = tf.placeholder(tf.float32)
        tf.summary.scalar("dropout_keep_probability", keep_prob)
        dropped = tf.nn.dropout(hidden, keep_prob)
    y = nn_layer(dropped, 50, 10, "layer2", act=tf.identity)
    with tf.name_scope("cross_entropy"):
        cross_entropy = tf.losses.softmax_cross_entropy(onehot_labels=y_, logits=y)
    tf.summary.scalar("cross_entropy", cross_entropy)
    with tf.name_scope("train"):
        train_step = tf.train.AdamOptimizer(0.003).minimize(cross_entropy)
    with tf.name_scope("accuracy"):
        correct = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    tf.summary.scalar("accuracy", accuracy)

    merged = tf.summary.merge_all()
    if tf.gfile.Exists(FLAGS.log_dir):
        tf.gfile.DeleteRecursively(FLAGS.log_dir)
    train_writer = tf.summary.FileWriter(os.path.join(FLAGS.log_dir, "train"), sess.graph)
    test_writer = tf.summary.FileWriter(os.path.join(FLAGS.log_dir, "test"))
    tf.global_variables_initializer().run()

    test = {x: mnist.test.images, y_: mnist.test.labels, keep_prob: 1.0}
    for i in range(FLAGS.max_steps):
        if i % 20 == 0:
            summary, acc = sess.run([merged, accuracy], feed_dict=test)
            test_writer.add_summary(summary, i)
        xs, ys = mnist.train.next_batch(100)
        feed = {x: xs, y_: ys, keep_prob: 0.9}
        if i % 50 == 49:
            run_options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            run_metadata = tf.RunMetadata()
            summary, loss, _ = sess.run(
                [merged, cross_entropy, train_step], feed, options=run_options, run_metadata=run_metadata
            )
            train_writer.add_run_metadata(run_metadata, "step%03d" % i)
        else:
            summary, loss, _ = sess.run([merged, cross_entropy, train_step], feed_dict=feed)
        train_writer.add_summary(summary, i)
        print("step %d loss %.6f" % (i, loss))
    print("accuracy %.4f" % sess.run(accuracy, test))
    train_writer.close()
    test_writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data_dir", type=str, default="MNIST_data")
    parser.add_argument("--log_dir", type=str, default="logs")
    parser.add_argument("--max_steps", type=int, default=60)
    FLAGS, unparsed = parser.parse_known_args()
    tf.app.run(main=main, argv=[sys.argv[0]] + unparsed)
