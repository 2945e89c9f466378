"""Shapes, slices, joins and look-ups: ops that move data and compute little.

Ops that compute belong to `math/`, those on images to `image/`.
"""
