"""A convolutional network as an estimator: trained, evaluated and used for predictions."""

import tempfile

import numpy as np
import tensorflow as tf

tf.logging.set_verbosity(tf.logging.ERROR)
SIDE, CLASSES = 12, 3


class LossHook(tf.train.SessionRunHook):
    def before_run(self, run_context):
        return tf.train.SessionRunArgs("total_loss:0")

    def after_run(self, run_context, run_values):
        print("loss", run_values.results)


def model(features, labels, mode, params):
    x = tf.reshape(features["x"], [-1, SIDE, SIDE, 1])
    x = tf.layers.conv2d(x, params["filters"], [5, 5], padding="same", activation=tf.nn.relu)
    x = tf.layers.max_pooling2d(x, [2, 2], 2)
    x = tf.layers.dense(tf.reshape(x, [-1, 6 * 6 * params["filters"]]), 16, activation=tf.nn.relu)
    x = tf.layers.dropout(x, 0.4, training=mode == tf.estimator.ModeKeys.TRAIN)
    logits = tf.layers.dense(x, CLASSES)
    predictions = {"classes": tf.argmax(logits, 1), "probabilities": tf.nn.softmax(logits)}
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions=predictions)
    loss = tf.identity(tf.losses.sparse_softmax_cross_entropy(labels, logits), name="total_loss")
    if mode == tf.estimator.ModeKeys.TRAIN:
        step = tf.train.GradientDescentOptimizer(0.05).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step)
    metrics = {"accuracy": tf.metrics.accuracy(labels, predictions["classes"])}
    return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops=metrics)


def main():
    random = np.random.RandomState(0)
    labels = random.randint(0, CLASSES, 64).astype(np.int32)
    pictures = (random.rand(64, SIDE * SIDE) + 0.5 * labels[:, None]).astype(np.float32)
    config = tf.estimator.RunConfig(tf_random_seed=8)
    with tempfile.TemporaryDirectory() as folder:
        classifier = tf.estimator.Estimator(model, model_dir=folder, config=config, params={"filters": 4})

        def batches():
            return tf.data.Dataset.from_tensor_slices(({"x": pictures}, labels)).repeat().batch(16)

        classifier.train(batches, steps=12, hooks=[LossHook()])
        classifier.train(batches, max_steps=22, hooks=[LossHook()])
        given = tf.estimator.inputs.numpy_input_fn({"x": pictures}, labels, batch_size=10, num_epochs=1, shuffle=False)
        found = classifier.evaluate(given)
        print("test loss", found["loss"], "accuracy", found["accuracy"], "step", found["global_step"])
        print([int(p["classes"]) for p in classifier.predict(given)][:10])


if __name__ == "__main__":
    main()
