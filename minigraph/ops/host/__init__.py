"""Ops that run on the host by nature: Python functions, files, image codecs, summaries."""
