"""`minigraph bench`: training steps and inference timed against other frameworks on the same work.

Imports no other wing of the command.
"""
