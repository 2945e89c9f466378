"""Pictures of fixed length in a binary file, read by queues beside a monitored session that trains."""

import os
import tempfile

import numpy as np
import tensorflow as tf

SIDE, CLASSES, BATCH = 12, 4, 16


def write_pictures(folder):
    """Two files; each record is the label and the picture's three planes."""
    random = np.random.RandomState(0)
    names = []
    for part in range(2):
        labels = random.randint(0, CLASSES, (96, 1))
        planes = random.randint(0, 128, (96, 3 * SIDE * SIDE)) + 30 * labels
        name = os.path.join(folder, "pictures_%d.bin" % part)
        np.concatenate([labels, planes], 1).astype(np.uint8).tofile(name)
        names.append(name)
    return names


def read(queue):
    reader = tf.FixedLengthRecordReader(record_bytes=1 + 3 * SIDE * SIDE)
    _, value = reader.read(queue)
    numbers = tf.decode_raw(value, tf.uint8)
    label = tf.cast(tf.strided_slice(numbers, [0], [1]), tf.int32)
    planes = tf.reshape(tf.strided_slice(numbers, [1], [1 + 3 * SIDE * SIDE]), [3, SIDE, SIDE])
    picture = tf.cast(tf.transpose(planes, [1, 2, 0]), tf.float32)
    picture = tf.image.resize_image_with_crop_or_pad(picture, 10, 10)
    picture = tf.image.per_image_standardization(picture)
    picture.set_shape([10, 10, 3])
    label.set_shape([1])
    return picture, label


def main():
    tf.set_random_seed(5)
    with tempfile.TemporaryDirectory() as folder:
        queue = tf.train.string_input_producer(write_pictures(folder), shuffle=False)
        pictures, labels = tf.train.batch(list(read(queue)), batch_size=BATCH, capacity=4 * BATCH)
        tf.summary.image("pictures", pictures)
        x = tf.layers.conv2d(pictures, 8, 3, activation=tf.nn.relu)
        x = tf.layers.max_pooling2d(x, 2, 2)
        logits = tf.layers.dense(tf.layers.flatten(x), CLASSES)
        loss = tf.losses.sparse_softmax_cross_entropy(tf.reshape(labels, [BATCH]), logits)
        step = tf.train.get_or_create_global_step()
        train = tf.train.GradientDescentOptimizer(0.05).minimize(loss, global_step=step)
        with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(last_step=20)]) as session:
            while not session.should_stop():
                _, value = session.run([train, loss])
                print("loss", value)


if __name__ == "__main__":
    main()
