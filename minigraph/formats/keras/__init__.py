"""Keras's HDF5 weight files."""
