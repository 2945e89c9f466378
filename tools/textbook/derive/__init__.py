"""`minigraph derive`: a layer's graph and its gradient graph, run on symbols and printed as a derivation."""
