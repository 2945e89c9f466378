"""A convolutional network on digits with tf.layers, sparse labels, and a decaying learning rate."""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

tf.flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
tf.flags.DEFINE_integer("steps", 60, "Training steps.")
FLAGS = tf.flags.FLAGS


def network(images, training):
    net = tf.reshape(images, [-1, 28, 28, 1])
    net = tf.layers.conv2d(net, filters=8, kernel_size=5, padding="same", activation=tf.nn.relu, name="conv1")
    net = tf.layers.max_pooling2d(net, pool_size=2, strides=2)
    net = tf.layers.conv2d(net, filters=16, kernel_size=[3, 3], padding="valid", activation=tf.nn.relu, name="conv2")
    net = tf.layers.max_pooling2d(net, pool_size=[2, 2], strides=2)
    net = tf.layers.flatten(net)
    net = tf.layers.dense(net, units=64, activation=tf.nn.relu, name="fc")
    net = tf.layers.dropout(net, rate=0.25, training=training)
    return tf.layers.dense(net, units=10, name="logits")


def main(argv):
    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.set_random_seed(3)
    mnist = input_data.read_data_sets(FLAGS.data_dir, validation_size=500)
    images = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.int32, [None])
    training = tf.placeholder(tf.bool)
    logits = network(images, training)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.03, global_step, decay_steps=50, decay_rate=0.8, staircase=True)
    train_op = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=global_step)
    predictions = tf.argmax(logits, axis=1, output_type=tf.int32)
    accuracy = tf.reduce_mean(tf.to_float(tf.equal(predictions, labels)))

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(FLAGS.steps):
            xs, ys = mnist.train.next_batch(64)
            value, step, _ = sess.run([loss, global_step, train_op], {images: xs, labels: ys, training: True})
            print("step %d loss %.6f" % (step, value))
        feed = {images: mnist.test.images, labels: mnist.test.labels, training: False}
        print("accuracy %.4f" % sess.run(accuracy, feed))


if __name__ == "__main__":
    tf.app.run(main=main)
