"""A multi-layer perceptron on digits, with plain gradient descent."""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_string("data_dir", "MNIST_data", "Folder with the MNIST files.")
flags.DEFINE_integer("steps", 150, "Training steps.")
flags.DEFINE_float("learning_rate", 0.2, "Step size.")
FLAGS = flags.FLAGS


def main(_):
    tf.set_random_seed(1)
    mnist = input_data.read_data_sets(FLAGS.data_dir, one_hot=True, validation_size=500)

    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y_ = tf.placeholder(tf.float32, [None, 10], name="y_")
    with tf.name_scope("hidden"):
        W1 = tf.Variable(tf.truncated_normal([784, 64], stddev=0.05), name="weights")
        b1 = tf.Variable(tf.zeros([64]), name="biases")
        hidden = tf.nn.relu(tf.matmul(x, W1) + b1)
    with tf.name_scope("output"):
        W2 = tf.Variable(tf.truncated_normal([64, 10], stddev=0.1), name="weights")
        b2 = tf.Variable(tf.zeros([10]), name="biases")
        y = tf.matmul(hidden, W2) + b2

    cross_entropy = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y_, logits=y))
    train_step = tf.train.GradientDescentOptimizer(FLAGS.learning_rate).minimize(cross_entropy)
    correct = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as sess:
        tf.global_variables_initializer().run()
        for step in range(FLAGS.steps):
            xs, ys = mnist.train.next_batch(100)
            loss, _ = sess.run([cross_entropy, train_step], feed_dict={x: xs, y_: ys})
            print("step %d loss %.6f" % (step, loss))
        print("accuracy %.4f" % accuracy.eval({x: mnist.test.images, y_: mnist.test.labels}))


if __name__ == "__main__":
    tf.app.run()
