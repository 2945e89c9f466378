"""Helpers, oracles and strategies that several tests share."""
