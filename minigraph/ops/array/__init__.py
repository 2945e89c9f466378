"""Shapes, slices, joins and look-ups: ops that move data and compute little."""
