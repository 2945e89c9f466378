"""Reader of PyTorch's files, without PyTorch and without running code from them."""
