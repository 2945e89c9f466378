"""L3-6: a convolutional network for handwritten digits, with 6,640,394 parameters at its full width.

All weights and biases start as normal numbers with σ = 1, as in the chapter, so the first cost is in the ten thousands.
`--sigma 0.05` starts more gently.

    python l3_6_mnist_cnn.py [--data mnist] [--epochs 20] [--batch-size 256] [--width 1] [--sigma 1]
"""

import argparse

import minigraph as tf
from minigraph import data

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", choices=["sample", "mnist"], default="sample", help="5,000 images, or all of MNIST")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--width", type=float, default=1.0, help="factor of the numbers of maps and units")
parser.add_argument("--sigma", type=float, default=1.0, help="standard deviation of the initial values")
options = parser.parse_args()


def variable(name: str, *shape: int) -> tf.Variable:
    return tf.Variable(tf.random_normal(shape, stddev=options.sigma), name=name)


def convolution(x: tf.Tensor, maps: int) -> tf.Tensor:
    """5×5, ReLU, and max-pooling by 2."""
    weights, biases = variable("weights", 5, 5, x.shape.as_list()[-1], maps), variable("biases", maps)
    x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, weights, strides=[1, 1, 1, 1], padding="SAME"), biases))
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def full_connection(x: tf.Tensor, units: int) -> tf.Tensor:
    return tf.add(tf.matmul(x, variable("weights", x.shape.as_list()[-1], units)), variable("biases", units))


tf.set_random_seed(0)
digits = data.load(options.data)
x = tf.placeholder(tf.float32, [None, 784], name="x")
y = tf.placeholder(tf.float32, [None, 10], name="y")
keep_prob = tf.placeholder(tf.float32, name="keep_prob")

first, second, hidden = (max(1, round(n * options.width)) for n in (64, 128, 1024))
maps = convolution(convolution(tf.reshape(x, [-1, 28, 28, 1]), first), second)
units = tf.nn.relu(full_connection(tf.reshape(maps, [-1, 7 * 7 * second]), hidden))
logits = full_connection(tf.nn.dropout(units, keep_prob), 10)

cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
train = tf.train.AdamOptimizer(0.01).minimize(cost)
right = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
print(f"parameters {sum(v.shape.num_elements() for v in tf.trainable_variables()):,}")

test = {x: digits.test_images[:256].reshape(-1, 784), y: digits.test_labels[:256], keep_prob: 1.0}
batches = digits.batches(options.batch_size, seed=0)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for epoch in range(options.epochs):
        for _ in range(len(digits.train_images) // options.batch_size):
            images, labels = batches.next_batch()
            session.run(train, {x: images.reshape(-1, 784), y: labels, keep_prob: 0.75})
        loss, share = session.run([cost, accuracy], test)
        print(f"epoch {epoch + 1} test cost {loss:.4f} accuracy {share:.4f}")
