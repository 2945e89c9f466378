"""PyTorch's archives, read without PyTorch and without running what they hold."""
