"""The chapter's network for folders of pictures in three classes, with its two mistakes put right: pixels stay floats
after they are divided by 255, and each batch takes the next pictures. Makes its own pictures where there are none."""

import os

import numpy as np
import tensorflow as tf
from PIL import Image

flags = tf.app.flags
flags.DEFINE_string("image_dir", "pictures", "Folder with a folder for each class.")
flags.DEFINE_integer("size", 64, "Side of the pictures in pixels.")
flags.DEFINE_integer("batch_size", 128, "Pictures in a step.")
flags.DEFINE_integer("epochs", 200, "Times through the pictures.")
flags.DEFINE_integer("width", 64, "Maps of the first convolution; 512 / 64 times as many units.")
flags.DEFINE_float("learning_rate", 0.01, "Adam's step size.")
FLAGS = flags.FLAGS
CLASSES = ["Type_1", "Type_2", "Type_3"]


def make_pictures(folder, count=24, seed=0):
    random = np.random.RandomState(seed)
    rows, columns = np.mgrid[:80, :96]
    for index, name in enumerate(CLASSES):
        os.makedirs(os.path.join(folder, name))
        for i in range(count):
            period = random.randint(10, 16)
            wave = (rows, columns, rows + columns)[index] // period % 2
            colour = random.uniform(120, 255, 3)
            pixels = wave[..., None] * colour + random.uniform(0, 60, (80, 96, 3))
            image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            image.save(os.path.join(folder, name, "%d.jpg" % i), quality=90)


def read_pictures(folder):
    images, labels = [], []
    for index, name in enumerate(CLASSES):
        for path in sorted(tf.gfile.Glob(os.path.join(folder, name, "*.jpg"))):
            image = Image.open(path).convert("RGB").resize((FLAGS.size, FLAGS.size))
            images.append(np.asarray(image, np.float32) / 255.0)
            labels.append(np.eye(len(CLASSES), dtype=np.float32)[index])
    order = np.random.RandomState(0).permutation(len(images))
    return np.array(images)[order], np.array(labels)[order]


def weight(shape, fan_in):
    return tf.Variable(tf.truncated_normal(shape, stddev=np.sqrt(2.0 / fan_in)))


def conv(net, maps):
    depth = net.get_shape()[-1].value
    net = tf.nn.conv2d(net, weight([3, 3, depth, maps], 9 * depth), strides=[1, 1, 1, 1], padding="SAME")
    net = tf.nn.relu(tf.nn.bias_add(net, tf.Variable(tf.zeros([maps]))))
    return tf.nn.max_pool(net, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def full(net, units):
    width = net.get_shape()[-1].value
    return tf.matmul(net, weight([width, units], width)) + tf.Variable(tf.zeros([units]))


if not tf.gfile.Exists(FLAGS.image_dir):
    make_pictures(FLAGS.image_dir)
images, labels = read_pictures(FLAGS.image_dir)
held_out = len(images) // 4

tf.set_random_seed(1)
x = tf.placeholder(tf.float32, [None, FLAGS.size, FLAGS.size, 3])
y = tf.placeholder(tf.float32, [None, len(CLASSES)])
keep_prob = tf.placeholder(tf.float32)
net = x
for factor in (1, 2, 4):
    net = conv(net, factor * FLAGS.width)
side = -(-FLAGS.size // 8)
net = tf.reshape(net, [-1, side * side * 4 * FLAGS.width])
for _ in range(2):
    net = tf.nn.dropout(tf.nn.relu(full(net, 8 * FLAGS.width)), keep_prob)
scores = full(net, len(CLASSES))
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=y))
train = tf.train.AdamOptimizer(FLAGS.learning_rate).minimize(cost)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(scores, 1), tf.argmax(y, 1)), tf.float32))
print("parameters %d" % sum(v.get_shape().num_elements() for v in tf.trainable_variables()))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(FLAGS.epochs):
        order = np.random.RandomState(epoch).permutation(np.arange(held_out, len(images)))
        for start in range(0, len(order), FLAGS.batch_size):
            rows = order[start : start + FLAGS.batch_size]
            _, loss = sess.run([train, cost], {x: images[rows], y: labels[rows], keep_prob: 0.5})
        print("epoch %d loss %.6f" % (epoch, loss))
    print("accuracy %.4f" % sess.run(accuracy, {x: images[:held_out], y: labels[:held_out], keep_prob: 1.0}))
