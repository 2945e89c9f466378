"""The textbook wing: derivations, figures, filters and padding, as commands.

Imports no other wing of the command. The filters themselves are `minigraph.filters`.
"""
