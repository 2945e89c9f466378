"""Initial values for variables, under the names of TensorFlow 1's `tf.initializers`."""

from minigraph.run.initializers import (
    constant_initializer,
    glorot_normal_initializer,
    glorot_uniform_initializer,
    he_normal,
    he_uniform,
    identity_initializer,
    lecun_normal,
    lecun_uniform,
    ones_initializer,
    orthogonal_initializer,
    random_normal_initializer,
    random_uniform_initializer,
    truncated_normal_initializer,
    variance_scaling_initializer,
    zeros_initializer,
)

zeros, ones, constant = zeros_initializer, ones_initializer, constant_initializer
random_normal, random_uniform = random_normal_initializer, random_uniform_initializer
truncated_normal, variance_scaling = truncated_normal_initializer, variance_scaling_initializer
glorot_normal, glorot_uniform = glorot_normal_initializer, glorot_uniform_initializer
orthogonal, identity = orthogonal_initializer, identity_initializer

__all__ = [
    "constant",
    "constant_initializer",
    "glorot_normal",
    "glorot_normal_initializer",
    "glorot_uniform",
    "glorot_uniform_initializer",
    "he_normal",
    "he_uniform",
    "identity",
    "identity_initializer",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "ones_initializer",
    "orthogonal",
    "orthogonal_initializer",
    "random_normal",
    "random_normal_initializer",
    "random_uniform",
    "random_uniform_initializer",
    "truncated_normal",
    "truncated_normal_initializer",
    "variance_scaling",
    "variance_scaling_initializer",
    "zeros",
    "zeros_initializer",
]
