"""`tf.contrib.layers.optimize_loss`, and parts of training that old programs import from TensorFlow's inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.graph import Tensor

OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]
OPTIMIZER_CLS_NAMES: dict[str, Any] = {
    "Adagrad": tf.train.AdagradOptimizer,
    "Adam": tf.train.AdamOptimizer,
    "Ftrl": tf.train.FtrlOptimizer,
    "Momentum": lambda learning_rate: tf.train.MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": tf.train.RMSPropOptimizer,
    "SGD": tf.train.GradientDescentOptimizer,
}


def optimize_loss(
    loss: Any, global_step: Any, learning_rate: Any, optimizer: Any, gradient_noise_scale: Any = None,
    gradient_multipliers: Any = None, clip_gradients: Any = None,
    learning_rate_decay_fn: Callable[[Any, Any], Any] | None = None, update_ops: Any = None, variables: Any = None,
    name: str | None = None, summaries: Any = None, colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Tensor:  # fmt: skip
    """A tensor that runs one training step and returns the loss before it.

    optimizer: a name of OPTIMIZER_CLS_NAMES, an optimizer, a class of them, or a function from the learning rate to
    one. clip_gradients: the largest norm of all gradients together, or a function of the pairs of gradients and
    variables. update_ops: run before the step, by default those of UPDATE_OPS. summaries: some of OPTIMIZER_SUMMARIES;
    by default all but those of each gradient. colocate_gradients_with_ops: no effect.
    """
    refuse(
        "tf.contrib.layers.optimize_loss", gradient_noise_scale=gradient_noise_scale,
        gradient_multipliers=gradient_multipliers,
    )  # fmt: skip
    shown = ["loss", "learning_rate", "global_gradient_norm"] if summaries is None else list(summaries)
    unknown = [s for s in shown if s not in OPTIMIZER_SUMMARIES]
    if unknown:
        raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided {unknown[0]}.")
    step = tf.train.get_global_step() if global_step is None else global_step
    with tf.variable_scope(name, "OptimizeLoss", [loss, step]):
        updates = list(tf.get_collection(tf.GraphKeys.UPDATE_OPS) if update_ops is None else update_ops)
        if updates:
            loss = with_dependencies(updates, loss)
        rate = _learning_rate(learning_rate, learning_rate_decay_fn, step)
        if "learning_rate" in shown and learning_rate_decay_fn is not None and rate is not None:
            tf.summary.scalar("learning_rate", rate)
        chosen = _optimizer(optimizer, rate)
        pairs = chosen.compute_gradients(loss, tf.trainable_variables() if variables is None else variables)
        shows_norm = "global_gradient_norm" in shown or "gradient_norm" in shown
        if shows_norm:
            tf.summary.scalar("global_norm/gradient_norm", tf.global_norm([g for g, _ in pairs]))
        pairs = _clipped(pairs, clip_gradients)
        if "loss" in shown:
            tf.summary.scalar("loss", loss)
        for gradient, variable in pairs:
            name = variable.name.replace(":", "_")
            if "gradients" in shown:
                tf.summary.histogram(f"gradients/{name}", gradient)
            if "gradient_norm" in shown:
                tf.summary.scalar(f"gradient_norm/{name}", tf.global_norm([gradient]))
        if clip_gradients is not None and shows_norm:
            tf.summary.scalar("global_norm/clipped_gradient_norm", tf.global_norm([g for g, _ in pairs]))
        applied = chosen.apply_gradients(pairs, step if increment_global_step else None, name="train")
        return with_dependencies([applied], loss)


def _learning_rate(given: Any, decay: Callable[[Any, Any], Any] | None, step: Any) -> Any:
    """The learning rate: a tensor, or a variable with the number as its initial value, with the decay applied."""
    if given is None:
        return None
    rate = given
    if not isinstance(given, Tensor):
        start = tf.constant_initializer(float(given))
        rate = tf.get_variable("learning_rate", [], initializer=start, trainable=False)
    if decay is None:
        return rate
    if step is None:
        raise ValueError("global_step is required for learning_rate_decay_fn.")
    return decay(rate, step)


def _optimizer(given: Any, rate: Any) -> Any:
    """The optimizer that a name, a class, a function or an optimizer means."""
    if isinstance(given, str):
        if given not in OPTIMIZER_CLS_NAMES:
            names = ", ".join(OPTIMIZER_CLS_NAMES)
            raise ValueError(f"Optimizer name should be one of [{names}], you provided {given}.")
        given = OPTIMIZER_CLS_NAMES[given]
    if isinstance(given, tf.train.Optimizer):
        return given
    return given(rate) if rate is not None else given()


def _clipped(pairs: Any, how: Any) -> Any:
    if how is None:
        return pairs
    if callable(how):
        return how(pairs)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], how)
    return list(zip(clipped, [v for _, v in pairs], strict=True))


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Tensor:
    """The tensor, after the operations have run."""
    with tf.name_scope(name, "control_dependency", [*dependencies, output_tensor]) as scope:
        with tf.control_dependencies(list(dependencies)):
            made: Tensor = tf.identity(output_tensor, name=scope)
        return made
