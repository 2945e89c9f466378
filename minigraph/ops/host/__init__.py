"""Ops that run on the host by nature: Python functions, files, image codecs, summaries.

An op that a kernel could compute belongs to another family, even if it has no kernel yet.
"""
