"""Variables, assignments and optimizer updates: ops that write."""
