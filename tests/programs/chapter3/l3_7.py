import glob
import os
import numpy as np
import tensorflow as tf
from keras.utils import np_utils
from scipy.misc import imread, imresize

path = 'photos/'
height = 16
width = 16
image_list, label_list = [], []
for index, folder in enumerate(['Type_1', 'Type_2', 'Type_3']):
    for name in sorted(glob.glob(os.path.join(path, folder, '*.jpg'))):
        image_list.append(imresize(imread(name), (height, width)))
        label_list.append(index)
list1 = np.array(image_list, dtype=np.float32)/255
label = np_utils.to_categorical(np.array(label_list), 3)
order = np.random.RandomState(0).permutation(len(list1))
list1_shuf, label_shuf = list1[order], label[order]

epochs = 12
batch_size = 16
num_batches = list1_shuf.shape[0]/batch_size
n_classes = 3
tf.set_random_seed(0)
x = tf.placeholder(tf.float32, [None, height, width, 3])
y = tf.placeholder(tf.float32, [None, n_classes])
keep_prob = tf.placeholder(tf.float32)


def weight(*shape):
    return tf.Variable(tf.truncated_normal(list(shape), stddev=0.1))


def conv2d(x, depth_in, depth_out):
    x = tf.nn.conv2d(x, weight(3, 3, depth_in, depth_out), strides=[1, 1, 1, 1], padding='SAME')
    x = tf.nn.relu(tf.nn.bias_add(x, tf.Variable(tf.zeros([depth_out]))))
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')


net = conv2d(conv2d(conv2d(x, 3, 8), 8, 16), 16, 32)
net = tf.reshape(net, [-1, (height/8)*(width/8)*32])
for units_in, units_out in [((height/8)*(width/8)*32, 64), (64, 64)]:
    net = tf.nn.relu(tf.add(tf.matmul(net, weight(units_in, units_out)), tf.Variable(tf.zeros([units_out]))))
    net = tf.nn.dropout(net, keep_prob)
pred = tf.add(tf.matmul(net, weight(64, n_classes)), tf.Variable(tf.zeros([n_classes])))
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pred, labels=y))
optimizer = tf.train.AdamOptimizer(learning_rate=0.003).minimize(cost)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(pred, 1), tf.argmax(y, 1)), tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(epochs):
        for j in range(num_batches):
            batch_x = list1_shuf[j*batch_size:(j+1)*batch_size]
            batch_y = label_shuf[j*batch_size:(j+1)*batch_size]
            sess.run(optimizer, feed_dict={x: batch_x, y: batch_y, keep_prob: 0.8})
        loss, acc = sess.run([cost, accuracy], feed_dict={x: list1_shuf, y: label_shuf, keep_prob: 1.})
        print("Epoch %d cost= %.6f Training accuracy %.5f" % (i+1, loss, acc))
