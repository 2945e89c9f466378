"""Element by element, reductions, products of matrices, ordering: ops of arithmetic.

Activations and losses belong to `nn/`; whatever draws random numbers belongs to `random/`.
"""
