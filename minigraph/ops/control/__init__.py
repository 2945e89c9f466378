"""Branches, checks, recomputation: ops that decide what runs."""
