"""The `minigraph` command."""
