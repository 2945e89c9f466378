"""A convolutional network on digits with slim: arg_scope, batch normalisation, weight decay, create_train_op."""

import tensorflow as tf
import tensorflow.contrib.slim as slim
from tensorflow.examples.tutorials.mnist import input_data

tf.app.flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
tf.app.flags.DEFINE_integer("steps", 60, "Training steps.")
FLAGS = tf.app.flags.FLAGS


def arg_scope(is_training):
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected],
        activation_fn=tf.nn.relu,
        weights_initializer=tf.truncated_normal_initializer(0.0, 0.1),
        weights_regularizer=slim.l2_regularizer(0.0005),
    ), slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training) as scope:
        return scope


def network(images):
    net = slim.conv2d(images, 8, [5, 5], stride=2, scope="conv1")
    net = slim.conv2d(net, 16, [3, 3], normalizer_fn=slim.batch_norm, normalizer_params={"decay": 0.9}, scope="conv2")
    net = slim.max_pool2d(net, [2, 2], scope="pool2")
    net = slim.repeat(net, 2, slim.conv2d, 16, [3, 3], scope="conv3")
    net = slim.flatten(net, scope="flatten")
    net = slim.fully_connected(net, 32, scope="fc4")
    net = slim.dropout(net, 0.9, scope="dropout4")
    return slim.fully_connected(net, 10, activation_fn=None, scope="fc5")


def main(_):
    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.set_random_seed(11)
    mnist = input_data.read_data_sets(FLAGS.data_dir, one_hot=True, validation_size=500, reshape=False)
    images = tf.placeholder(tf.float32, [None, 28, 28, 1])
    labels = tf.placeholder(tf.float32, [None, 10])
    with tf.variable_scope("net"), slim.arg_scope(arg_scope(is_training=True)):
        logits = network(images)
    with tf.variable_scope("net", reuse=True), slim.arg_scope(arg_scope(is_training=False)):
        predictions = tf.argmax(network(images), 1)
    tf.losses.softmax_cross_entropy(labels, logits)
    total_loss = tf.losses.get_total_loss()
    train_op = slim.learning.create_train_op(total_loss, tf.train.MomentumOptimizer(0.005, 0.9))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(predictions, tf.argmax(labels, 1)), tf.float32))

    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for step in range(FLAGS.steps):
            xs, ys = mnist.train.next_batch(50)
            print("step %d loss %.6f" % (step, sess.run(train_op, {images: xs, labels: ys})))
        print("global step %d" % sess.run(tf.train.get_global_step()))
        print("model variables %d" % len(slim.get_model_variables("net/conv2")))
        print("accuracy %.4f" % sess.run(accuracy, {images: mnist.test.images, labels: mnist.test.labels}))


if __name__ == "__main__":
    tf.app.run()
