"""The networks that `minigraph train` knows; see `minigraph.models.registry`."""
