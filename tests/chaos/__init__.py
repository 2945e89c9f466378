"""Campaigns against whole commands and sessions: kills, threads, and plans without end. `make chaos` runs them."""
