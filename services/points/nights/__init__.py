"""What becomes due by itself: the night, sweeps, what is kept for how long."""
