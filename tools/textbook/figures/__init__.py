"""`minigraph figures`: the chapter's pictures, each drawn by a function of its own."""
