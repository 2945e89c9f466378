"""The averaged gradients of all networks against the gradients of each rank, averaged in float64."""

from __future__ import annotations

import pytest
from support.ranks import run_ranks

from minigraph.models.registry import MODELS

PROGRAM = """
from minigraph.models.classifier import classifier
from minigraph.models.registry import get_model

model = get_model({name!r})
net = classifier(model, is_training=False, width=0.25, num_classes=10)
numbers = np.random.RandomState(rank)
shape = [2, model.image_size, model.image_size, model.channels]
feeds = {{net.images: numbers.uniform(-1, 1, shape), net.labels: np.eye(10)[numbers.randint(0, 10, 2)]}}
with net.graph.as_default(), tf.Session() as session:
    gradients = [g for g in tf.gradients(net.loss, tf.trainable_variables()) if g is not None]
    averages = [hvd.allreduce(g) for g in reversed(gradients)][::-1]
    session.run(tf.global_variables_initializer())
    session.run(hvd.broadcast_global_variables(0))
    mine, found = session.run([gradients, averages], feeds)
both = hvd.allgather_object(mine)
worst = 0.0
for average, parts in zip(found, zip(*both)):
    expected = np.mean(np.array(parts, np.float64), 0)
    worst = max(worst, np.linalg.norm(average - expected) / max(np.linalg.norm(expected), 1e-30))
assert not all((a == b).all() for a, b in zip(*both))
assert worst <= 1e-6, worst
print(len(found) > 5)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_averaged_gradients_are_the_averages_of_the_gradients(name: str) -> None:
    assert run_ranks(PROGRAM.format(name=name), limit=600) == ["True", "True"]
