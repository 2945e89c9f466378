"""TF-slim's networks: variables, end points and results as TensorFlow 1.15 builds and computes them.

`goldens/record_nets.py` made the file.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest
from support.paths import GOLDENS

import minigraph.tf1 as tf

sys.path.insert(0, str(GOLDENS))
try:
    from nets_cases import CASES, RUN, built
finally:
    sys.path.remove(str(GOLDENS))

RECORDED = json.loads((GOLDENS / "slim_nets.json").read_text())


def made(name: str, run: bool) -> Any:
    return json.loads(json.dumps(built(tf, getattr(tf.contrib.slim.nets, CASES[name][0]), name, run)))


@pytest.mark.parametrize("name", CASES)
def test_variables_and_end_points_have_slims_names_and_shapes(name: str) -> None:
    got, want = made(name, run=False), RECORDED[name]
    for key in ("variables", "parameters", "names", "some", "losses", "ends"):
        assert got[key] == want[key], key


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "mobilenet_v1_quarter" else pytest.mark.slow) for n in RUN]
)
def test_results_are_tensorflows(name: str) -> None:
    got, want = (np.array([float(x) for x in r["logits"]]) for r in (made(name, run=True), RECORDED[name]))
    np.testing.assert_allclose(got, want, rtol=2e-3, atol=2e-3 * np.abs(want).max())


def test_an_unknown_end_point_is_refused() -> None:
    nets = tf.contrib.slim.nets
    with tf.Graph().as_default():
        images = tf.zeros([1, 139, 139, 3])
        for base in (nets.inception.inception_v3_base, nets.inception_v4.inception_v4_base,
                     nets.mobilenet_v1.mobilenet_v1_base):  # fmt: skip
            with pytest.raises(ValueError, match="Unknown final endpoint Mixed_9z"):
                base(images, final_endpoint="Mixed_9z")


def test_a_network_up_to_an_end_point() -> None:
    with tf.Graph().as_default():
        images = tf.zeros([1, 75, 75, 3])
        net, ends = tf.contrib.slim.nets.inception.inception_v3_base(images, final_endpoint="Conv2d_4a_3x3")
        assert list(ends)[-1] == "Conv2d_4a_3x3"
        assert net.shape.as_list() == [1, 15, 15, 192]
