"""Messages as data: what is said, in which words."""
