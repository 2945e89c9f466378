"""A network built like VGG, on small synthetic colour images: stripes and checks of four kinds."""

import numpy as np
import tensorflow as tf

SIZE, CLASSES = 16, 4
tf.app.flags.DEFINE_integer("steps", 60, "Training steps.")
FLAGS = tf.app.flags.FLAGS


def make_images(count, seed):
    random = np.random.RandomState(seed)
    labels = random.randint(CLASSES, size=count)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    patterns = np.stack([rows // 2 % 2, columns // 2 % 2, (rows + columns) // 2 % 2, (rows // 2 + columns // 2) % 2])
    colours = random.uniform(0.3, 1.0, size=(count, 1, 1, 3))
    images = patterns[labels][..., np.newaxis] * colours + random.normal(0, 0.2, (count, SIZE, SIZE, 3))
    return images.astype(np.float32), np.eye(CLASSES, dtype=np.float32)[labels]


def block(net, filters, layers, name):
    with tf.variable_scope(name):
        for i in range(layers):
            kernel = tf.get_variable(
                "kernel%d" % i,
                [3, 3, net.get_shape()[-1].value, filters],
                initializer=tf.contrib.layers.xavier_initializer_conv2d(),
            )
            bias = tf.get_variable("bias%d" % i, [filters], initializer=tf.constant_initializer(0.0))
            net = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(net, kernel, [1, 1, 1, 1], "SAME"), bias))
        return tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], padding="SAME", name="pool")


def dense(net, units, name, activation=None):
    with tf.variable_scope(name):
        width = int(np.prod(net.get_shape().as_list()[1:]))
        weights = tf.get_variable("weights", [width, units], initializer=tf.contrib.layers.xavier_initializer())
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        net = tf.nn.xw_plus_b(tf.reshape(net, [-1, width]), weights, bias)
        return net if activation is None else activation(net)


tf.set_random_seed(5)
images = tf.placeholder(tf.float32, [None, SIZE, SIZE, 3])
labels = tf.placeholder(tf.float32, [None, CLASSES])
keep_prob = tf.placeholder_with_default(1.0, [])
net = block(images, 8, 2, "block1")
net = block(net, 16, 2, "block2")
net = block(net, 16, 3, "block3")
net = tf.nn.dropout(dense(net, 64, "fc6", tf.nn.relu), keep_prob)
net = tf.nn.dropout(dense(net, 64, "fc7", tf.nn.relu), keep_prob)
logits = dense(net, CLASSES, "fc8")

loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))
decay = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if "bias" not in v.name])
train = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss + 1e-4 * decay)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(labels, 1)), tf.float32))

train_images, train_labels = make_images(800, seed=1)
test_images, test_labels = make_images(200, seed=2)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(FLAGS.steps):
        rows = np.arange(step * 32, step * 32 + 32) % len(train_images)
        feed = {images: train_images[rows], labels: train_labels[rows], keep_prob: 0.8}
        value, _ = sess.run([loss, train], feed)
        print("step %d loss %.6f" % (step, value))
    print("accuracy %.4f" % sess.run(accuracy, {images: test_images, labels: test_labels}))
