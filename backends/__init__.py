"""What runs plans, one folder each: numpy, llvm, cupy, sympy.

They import from the compiler and below, never a pass, a session or the interface.
"""
