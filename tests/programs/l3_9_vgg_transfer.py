"""Transfer from VGG16, as in the chapter: features of the layer fc7, and one new sigmoid unit trained on them."""


import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim
from tensorflow.contrib.slim.nets import vgg

flags = tf.app.flags
flags.DEFINE_string("checkpoint", "vgg_16.ckpt", "VGG16's weights; made at random where there is no such file.")
flags.DEFINE_integer("steps", 50, "Training steps.")
flags.DEFINE_integer("batch_size", 32, "Images in a step.")
FLAGS = flags.FLAGS
MEANS = np.array([123.68, 116.779, 103.939], np.float32)


def make_weights(path):
    """Weights of a network that nobody has trained, in place of the real ones."""
    with tf.Graph().as_default():
        tf.set_random_seed(2)
        he = tf.contrib.layers.variance_scaling_initializer()
        with slim.arg_scope(vgg.vgg_arg_scope()), slim.arg_scope([slim.conv2d], weights_initializer=he):
            vgg.vgg_16(tf.placeholder(tf.float32, [None, 224, 224, 3]), num_classes=1000, is_training=False)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            return tf.train.Saver(slim.get_model_variables("vgg_16")).save(sess, path)


def batches(size):
    """Images of two kinds, bright in their upper or their lower half, without end."""
    random = np.random.RandomState(3)
    while True:
        labels = random.randint(2, size=[size, 1]).astype(np.float32)
        images = random.uniform(0, 120, [size, 224, 224, 3]).astype(np.float32)
        images[labels[:, 0] == 0, :112] += 120
        images[labels[:, 0] == 1, 112:] += 120
        yield images - MEANS, labels


path = FLAGS.checkpoint
if not tf.train.checkpoint_exists(path):
    path = make_weights(path)

tf.set_random_seed(4)
images = tf.placeholder(tf.float32, [None, 224, 224, 3])
labels = tf.placeholder(tf.float32, [None, 1])
with slim.arg_scope(vgg.vgg_arg_scope()):
    _, end_points = vgg.vgg_16(images, num_classes=1000, is_training=False)
restore = slim.assign_from_checkpoint_fn(path, slim.get_model_variables("vgg_16"))
print("restored variables %d" % len(slim.get_model_variables("vgg_16")))

features = tf.stop_gradient(tf.squeeze(end_points["vgg_16/fc7"], [1, 2]))
features = tf.nn.l2_normalize(features, 1)
with tf.variable_scope("new"):
    weights = tf.Variable(tf.truncated_normal([4096, 1], stddev=0.01), name="weights")
    bias = tf.Variable(tf.zeros([1]), name="bias")
logits = tf.matmul(features, weights) + bias
loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
train = tf.train.AdamOptimizer(0.05).minimize(loss, var_list=[weights, bias])
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.cast(logits > 0, tf.float32), labels), tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    restore(sess)
    source = batches(FLAGS.batch_size)
    for step in range(FLAGS.steps):
        xs, ys = next(source)
        _, value = sess.run([train, loss], {images: xs, labels: ys})
        print("step %d loss %.6f" % (step, value))
    xs, ys = next(source)
    print("accuracy %.4f" % sess.run(accuracy, {images: xs, labels: ys}))
