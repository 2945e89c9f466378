"""An autoencoder on digits, trained with Adam to give back its input."""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

tf.app.flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
tf.app.flags.DEFINE_integer("steps", 150, "Training steps.")
FLAGS = tf.app.flags.FLAGS

tf.set_random_seed(4)
mnist = input_data.read_data_sets(FLAGS.data_dir, validation_size=500)
sizes = [784, 64]
X = tf.placeholder("float", [None, sizes[0]])

weights, biases = {}, {}
for i, (inner, outer) in enumerate(zip(sizes, sizes[1:]), 1):
    weights["encoder_h%d" % i] = tf.Variable(tf.random_normal([inner, outer], stddev=0.05))
    weights["decoder_h%d" % i] = tf.Variable(tf.random_normal([outer, inner], stddev=0.05))
    biases["encoder_b%d" % i] = tf.Variable(tf.zeros([outer]))
    biases["decoder_b%d" % i] = tf.Variable(tf.zeros([inner]))


def layer(x, kind, i):
    product = tf.matmul(x, weights["%s_h%d" % (kind, i)])
    return tf.nn.sigmoid(tf.add(product, biases["%s_b%d" % (kind, i)]))


code = layer(X, "encoder", 1)
output = layer(code, "decoder", 1)
cost = tf.reduce_mean(tf.pow(X - output, 2))
optimizer = tf.train.AdamOptimizer(0.01).minimize(cost)

init = tf.global_variables_initializer()
with tf.Session() as sess:
    sess.run(init)
    for step in range(FLAGS.steps):
        batch_xs, _ = mnist.train.next_batch(64)
        _, loss = sess.run([optimizer, cost], feed_dict={X: batch_xs})
        print("step %d loss %.6f" % (step, loss))
    mean = mnist.train.images.mean(axis=0)
    print("test error %.4f" % sess.run(cost, {X: mnist.test.images}))
    print("error of the mean %.4f" % ((mnist.test.images - mean) ** 2).mean())
