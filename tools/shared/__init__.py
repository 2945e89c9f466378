"""Code that several commands share: options, progress, training runs, targets by name.

Imports no command and no wing.
"""
