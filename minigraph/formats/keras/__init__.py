"""Keras's HDF5 weight files.

Gives arrays by name; imports h5py only when a file is read.
"""
