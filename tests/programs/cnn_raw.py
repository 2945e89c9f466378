"""A convolutional network on digits from variables and tf.nn alone, with dropout and Adam."""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

tf.app.flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
tf.app.flags.DEFINE_integer("steps", 60, "Training steps.")
FLAGS = tf.app.flags.FLAGS


def weight_variable(shape):
    return tf.Variable(tf.truncated_normal(shape, stddev=0.1))


def bias_variable(shape):
    return tf.Variable(tf.constant(0.1, shape=shape))


def conv2d(x, W):
    return tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")


def max_pool_2x2(x):
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


tf.set_random_seed(2)
mnist = input_data.read_data_sets(FLAGS.data_dir, one_hot=True, validation_size=500)
sess = tf.InteractiveSession()

x = tf.placeholder(tf.float32, shape=[None, 784])
y_ = tf.placeholder(tf.float32, shape=[None, 10])
keep_prob = tf.placeholder(tf.float32)
image = tf.reshape(x, [-1, 28, 28, 1])

W_conv1, b_conv1 = weight_variable([5, 5, 1, 8]), bias_variable([8])
h_pool1 = max_pool_2x2(tf.nn.relu(conv2d(image, W_conv1) + b_conv1))
W_conv2, b_conv2 = weight_variable([5, 5, 8, 16]), bias_variable([16])
h_pool2 = max_pool_2x2(tf.nn.relu(tf.nn.bias_add(conv2d(h_pool1, W_conv2), b_conv2)))

W_fc1, b_fc1 = weight_variable([7 * 7 * 16, 64]), bias_variable([64])
h_fc1 = tf.nn.relu(tf.matmul(tf.reshape(h_pool2, [-1, 7 * 7 * 16]), W_fc1) + b_fc1)
h_drop = tf.nn.dropout(h_fc1, keep_prob)
W_fc2, b_fc2 = weight_variable([64, 10]), bias_variable([10])
logits = tf.matmul(h_drop, W_fc2) + b_fc2

cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y_, logits=logits))
train_step = tf.train.AdamOptimizer(3e-3).minimize(cross_entropy)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(y_, 1)), tf.float32))

sess.run(tf.global_variables_initializer())
for step in range(FLAGS.steps):
    batch = mnist.train.next_batch(50)
    loss, _ = sess.run([cross_entropy, train_step], {x: batch[0], y_: batch[1], keep_prob: 0.75})
    print("step %d loss %.6f" % (step, loss))
print("accuracy %.4f" % accuracy.eval({x: mnist.test.images, y_: mnist.test.labels, keep_prob: 1.0}))
sess.close()
