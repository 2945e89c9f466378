"""A new classifier on a pretrained network, after TensorFlow 1's image retraining tool.

Imports no other wing of the command.
"""
