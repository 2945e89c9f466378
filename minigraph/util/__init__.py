"""Files written whole or not at all, the cache of compiled objects, what reading a file may cost, the pause of
Python's cycle collector, locks that hold across a fork, BLAS on one thread.

Knows nothing of minigraph.
"""
