"""Operations: one record in one file with all its rules, and the public functions that make its nodes.

Families are folders; modules here are shared by all. May import `core` and `util`; no compiler and no backend.
"""
