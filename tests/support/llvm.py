"""Helpers of the tests of the LLVM backend."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="needs llvmlite")

import minigraph as tf
from minigraph.backends.llvm import LlvmBackend
from minigraph.backends.llvm.backend import lower
from minigraph.backends.llvm.native import LoweringContext
from minigraph.core.op import Op
from support.kernel_cases import type_of
from support.kernels import Kernels

KERNELS = Kernels(LlvmBackend())
LOOP_PROGRAM = """
import sys, hashlib, numpy as np, minigraph as tf
x = tf.placeholder(tf.float32, [400_000])
fetch = [tf.tanh(x) + tf.exp(x), tf.reduce_sum(tf.exp(x))]
values = np.random.RandomState(0).randn(400_000).astype("f")
with tf.Session(backend="llvm") as session:
    for _ in range(3):
        found = session.run(fetch, {x: values})
    print(hashlib.sha256(b"".join(f.tobytes() for f in found)).hexdigest())
"""


def is_native(op: Op, operands: list[Any]) -> bool:
    """Whether the backend has code of its own for the op."""
    types = [type_of(a) for a in operands]
    return lower(op, types, op.infer(*types), LoweringContext(2)) is not None


def run_program(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def small_network(x: Any, y: Any) -> list[Any]:
    """Convolutions, pooling and a loss, and the gradients of all filters and biases."""
    random = np.random.RandomState(1)
    shapes = ((3, 3, 3, 8), (8,), (3, 3, 8, 8), (8,))
    weights = [tf.constant(random.randn(*s).astype(np.float32) * 0.3) for s in shapes]
    for filters, bias in zip(weights[::2], weights[1::2], strict=True):
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME"), bias))
        x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    logits = tf.reduce_mean(x, [1, 2])
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    return [loss, logits, *tf.gradients(loss, weights)]
