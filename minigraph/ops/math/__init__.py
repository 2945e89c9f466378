"""Element by element, reductions, products of matrices, ordering: ops of arithmetic."""
