"""`minigraph derive`: a layer's graph and its gradient graph, run on symbols and printed as a derivation.

Holds no formula of a gradient: all come from the graph.
"""
