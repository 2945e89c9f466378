"""Resizing, colour, geometry, edges, quality: ops on images.

Layers of networks belong to `nn/`; codecs of image files run on the host and belong to `host/`.
"""
