"""Reader of PyTorch's files, without PyTorch and without running code from them.

Gives arrays by name; knows no graph.
"""
