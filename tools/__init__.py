"""The `minigraph` command.

A command parses options, calls the library and prints. Whatever a program could use belongs to `minigraph/` or
`models/`.
"""
