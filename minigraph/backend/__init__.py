"""The base classes of backends, and how backends are found by name.

Knows no backend: those in `backends/` import from here.
"""
