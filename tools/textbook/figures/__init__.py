"""`minigraph figures`: the chapter's pictures, each drawn by a function of its own.

Numbers in the pictures are computed by minigraph, never written down.
"""
