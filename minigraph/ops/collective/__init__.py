"""Ops that exchange tensors with the other processes of a run.

All processes ("ranks") make the same exchanges in the same order. The order is that of the graph: the compiler ties
each collective of a run to the one before it. Only `world` and `launch` know MPI.
"""
