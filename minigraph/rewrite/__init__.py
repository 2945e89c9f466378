"""Patterns, the rewrite driver and the pipeline that runs passes.

Knows no single pass.
"""
