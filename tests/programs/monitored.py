"""A monitored session with hooks, which goes on from its checkpoint when it is started again."""

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_string("train_dir", "monitored", "Folder for checkpoints and event files.")
tf.app.flags.DEFINE_integer("steps", 30, "Training steps.")
FLAGS = tf.app.flags.FLAGS


class LossHook(tf.train.SessionRunHook):
    def __init__(self, loss):
        self.loss = loss

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(self.loss)

    def after_run(self, run_context, run_values):
        print("loss %.6f" % run_values.results)


def train(until):
    random = np.random.RandomState(1)
    inputs = random.uniform(-1, 1, (100, 3)).astype(np.float32)
    with tf.Graph().as_default():
        tf.set_random_seed(12)
        x = tf.placeholder(tf.float32, [None, 3])
        weights = tf.get_variable("weights", [3, 1])
        loss = tf.reduce_mean(tf.square(tf.matmul(x, weights) - tf.reduce_sum(x, 1, keepdims=True)))
        tf.summary.scalar("loss", loss)
        global_step = tf.train.get_or_create_global_step()
        train_op = tf.train.GradientDescentOptimizer(0.3).minimize(loss, global_step=global_step)
        hooks = [tf.train.StopAtStepHook(last_step=until), LossHook(loss), tf.train.NanTensorHook(loss)]
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=FLAGS.train_dir, hooks=hooks, save_summaries_steps=5, log_step_count_steps=None
        ) as sess:
            while not sess.should_stop():
                step, _ = sess.run([global_step, train_op], {x: inputs})
        print("stopped at %d" % until)


tf.logging.set_verbosity(tf.logging.ERROR)
if tf.gfile.Exists(FLAGS.train_dir):
    tf.gfile.DeleteRecursively(FLAGS.train_dir)
train(FLAGS.steps // 2)
train(FLAGS.steps)
