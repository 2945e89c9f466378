"""What several commands share: options, progress, training runs, networks by name."""
