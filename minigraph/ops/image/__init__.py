"""Resizing, colour, geometry, edges, quality: ops on images."""
