"""What staff do at the counter: acts that are listed, and undone within a time."""
