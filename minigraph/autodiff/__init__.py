"""Reverse-mode differentiation as a transformation of the user's graph.

May import `graphs` and below.
"""
