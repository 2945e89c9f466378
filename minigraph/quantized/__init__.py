"""Quantisation of a trained network: ranges from calibration images, and the graph on integers.

It knows no file format and no backend.
"""
