"""Batch normalisation on digits: moving averages in training, and what they give in evaluation."""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

tf.app.flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
tf.app.flags.DEFINE_integer("steps", 80, "Training steps.")
FLAGS = tf.app.flags.FLAGS

tf.set_random_seed(6)
mnist = input_data.read_data_sets(FLAGS.data_dir, one_hot=True, validation_size=500)
x = tf.placeholder(tf.float32, [None, 784])
y_ = tf.placeholder(tf.float32, [None, 10])
is_training = tf.placeholder(tf.bool, name="is_training")

net = tf.reshape(x, [-1, 28, 28, 1])
net = tf.layers.conv2d(net, 8, 5, strides=2, padding="same", use_bias=False)
net = tf.nn.relu(tf.layers.batch_normalization(net, momentum=0.9, training=is_training))
net = tf.layers.dense(tf.layers.flatten(net), 32, use_bias=False)
net = tf.nn.relu(tf.layers.batch_normalization(net, momentum=0.9, training=is_training))
logits = tf.layers.dense(net, 10)

loss = tf.losses.softmax_cross_entropy(onehot_labels=y_, logits=logits)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train = tf.train.AdamOptimizer(0.002).minimize(loss)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(y_, 1)), tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(FLAGS.steps):
        xs, ys = mnist.train.next_batch(50)
        value, _ = sess.run([loss, train], {x: xs, y_: ys, is_training: True})
        print("step %d loss %.6f" % (step, value))
    print("accuracy %.4f" % sess.run(accuracy, {x: mnist.test.images, y_: mnist.test.labels, is_training: False}))
