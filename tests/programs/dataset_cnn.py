"""Pictures in TFRecord files, read, changed at random, shuffled and batched by tf.data, with a pass for the test."""

import os
import tempfile

import numpy as np
import tensorflow as tf

SIDE, CLASSES = 12, 3


def write_examples(name, count, seed):
    random = np.random.RandomState(seed)
    with tf.python_io.TFRecordWriter(name) as writer:
        for _ in range(count):
            label = random.randint(CLASSES)
            picture = (random.randint(0, 128, (SIDE, SIDE, 1)) + 40 * label).astype(np.uint8)
            feature = {
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                "picture": tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture.tobytes()])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def parse(record):
    features = {"label": tf.FixedLenFeature([], tf.int64), "picture": tf.FixedLenFeature([], tf.string)}
    found = tf.parse_single_example(record, features)
    picture = tf.reshape(tf.decode_raw(found["picture"], tf.uint8), [SIDE, SIDE, 1])
    return tf.cast(picture, tf.float32) / 255.0, found["label"]


def change(picture, label):
    picture = tf.random_crop(picture, [10, 10, 1])
    return tf.image.random_flip_left_right(picture), label


def main():
    tf.set_random_seed(11)
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, part) for part in ("train", "test")]
        write_examples(names[0], 60, 1)
        write_examples(names[1], 20, 2)
        train = tf.data.TFRecordDataset(names[:1]).map(parse, num_parallel_calls=4).map(change)
        train = train.shuffle(30).repeat(6).batch(16).prefetch(2)
        test = tf.data.TFRecordDataset(names[1:]).map(parse)
        test = test.map(lambda picture, label: (tf.image.central_crop(picture, 0.8), label)).batch(20)
        test = test.map(lambda pictures, labels: (tf.reshape(pictures, [-1, 10, 10, 1]), labels))
        iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
        pictures, labels = iterator.get_next()
        begin_training, begin_test = iterator.make_initializer(train), iterator.make_initializer(test)

        x = tf.layers.conv2d(pictures, 6, 3, activation=tf.nn.relu)
        logits = tf.layers.dense(tf.reduce_mean(x, [1, 2]), CLASSES)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        step = tf.train.AdamOptimizer(0.02).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(begin_training)
            while True:
                try:
                    _, value = session.run([step, loss])
                    print("loss", value)
                except tf.errors.OutOfRangeError:
                    break
            session.run(begin_test)
            print("test loss", session.run(loss))


if __name__ == "__main__":
    main()
