%matplotlib inline
import sys
import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim
from nets import vgg
from preprocessing import vgg_preprocessing

batch_size = 4
width, height = 224, 224
learning_rate = 0.05
class_dict = {'above': 0, 'below': 1}


def generator(count):
    random = np.random.RandomState(3)
    while True:
        names = [class_dict.keys()[i] for i in random.randint(2, size=count)]
        labels = np.array([[class_dict[name]] for name in names], dtype=np.float32)
        images = random.uniform(0, 120, (count, height, width, 3)).astype(np.float32)
        images[labels[:, 0] == 0, :height/2] += 120
        images[labels[:, 0] == 1, height/2:] += 120
        yield images, labels


tf.set_random_seed(4)
images = tf.placeholder(tf.float32, [None, height, width, 3])
labels = tf.placeholder(tf.float32, [None, 1])
means = [vgg_preprocessing._R_MEAN, vgg_preprocessing._G_MEAN, vgg_preprocessing._B_MEAN]
prepared = images - tf.constant(means)
with slim.arg_scope(vgg.vgg_arg_scope()):
    logits, end_points = vgg.vgg_16(prepared, num_classes=1000, is_training=False)
fc7 = tf.nn.l2_normalize(tf.squeeze(end_points['vgg_16/fc7'], [1, 2]), 1)
W = tf.Variable(tf.random_normal([4096, 1], mean=0.0, stddev=0.02))
b = tf.Variable(tf.zeros([1]))
out = tf.add(tf.matmul(fc7, W), b)
prob = tf.nn.sigmoid(out)
cost = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=out, labels=labels))
train = tf.train.AdamOptimizer(learning_rate).minimize(cost, var_list=[W, b])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    before = sess.run(slim.get_model_variables('vgg_16')[0])
    source = generator(batch_size)
    for i in xrange(3):
        batch_x, batch_y = source.next()
        _, loss = sess.run([train, cost], feed_dict={images: batch_x, labels: batch_y})
        print 'step', i, 'cost %.6f' % loss
        sys.stdout.flush()
    val_x, val_y = source.next()
    prob_x = sess.run(prob, feed_dict={images: val_x})
    print 'probability of picture 3: %.3f, label %d' % (prob_x[3, 0], val_y[3, 0])
    print 'frozen', np.array_equal(before, sess.run(slim.get_model_variables('vgg_16')[0]))
