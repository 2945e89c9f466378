"""Files written whole or not at all, the cache of compiled objects, the pause of Python's cycle collector.

Knows nothing of minigraph.
"""
