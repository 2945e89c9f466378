"""The chapter's network for MNIST: two convolutions, a full connection of 1,024 with dropout, Adam at 0.01."""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
flags.DEFINE_integer("batch_size", 256, "Images in a step.")
flags.DEFINE_integer("epochs", 20, "Times through the training images.")
flags.DEFINE_integer("max_steps", 0, "Stop after so many steps; 0 for none.")
FLAGS = flags.FLAGS


def conv(net, filters, name):
    with tf.name_scope(name):
        depth = net.get_shape().as_list()[-1]
        weights = tf.Variable(tf.random_normal([5, 5, depth, filters]), name="weights")
        biases = tf.Variable(tf.random_normal([filters]), name="biases")
        net = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(net, weights, strides=[1, 1, 1, 1], padding="SAME"), biases))
        return tf.nn.max_pool(net, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def full(net, units, name):
    with tf.name_scope(name):
        width = net.get_shape().as_list()[-1]
        weights = tf.Variable(tf.random_normal([width, units]), name="weights")
        biases = tf.Variable(tf.random_normal([units]), name="biases")
        return tf.add(tf.matmul(net, weights), biases)


tf.set_random_seed(0)
mnist = input_data.read_data_sets(FLAGS.data_dir, one_hot=True, validation_size=500)
x = tf.placeholder(tf.float32, [None, 784])
y = tf.placeholder(tf.float32, [None, 10])
keep_prob = tf.placeholder(tf.float32)

maps = conv(conv(tf.reshape(x, [-1, 28, 28, 1]), 64, "conv1"), 128, "conv2")
hidden = tf.nn.relu(full(tf.reshape(maps, [-1, 7 * 7 * 128]), 1024, "full"))
scores = full(tf.nn.dropout(hidden, keep_prob), 10, "scores")

cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=y))
optimizer = tf.train.AdamOptimizer(learning_rate=0.01).minimize(cost)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(scores, 1), tf.argmax(y, 1)), tf.float32))
print("parameters %d" % sum(v.get_shape().num_elements() for v in tf.trainable_variables()))

init = tf.global_variables_initializer()
with tf.Session() as sess:
    sess.run(init)
    steps = FLAGS.epochs * mnist.train.num_examples // FLAGS.batch_size
    for step in range(min(steps, FLAGS.max_steps) if FLAGS.max_steps else steps):
        batch_x, batch_y = mnist.train.next_batch(FLAGS.batch_size)
        _, loss = sess.run([optimizer, cost], feed_dict={x: batch_x, y: batch_y, keep_prob: 0.75})
        print("step %d loss %.2f" % (step, loss))
    feed = {x: mnist.test.images[:256], y: mnist.test.labels[:256], keep_prob: 1.0}
    print("accuracy %.7f" % sess.run(accuracy, feed_dict=feed))
