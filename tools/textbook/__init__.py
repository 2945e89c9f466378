"""The textbook wing: derivations, figures, filters and padding, as commands."""
