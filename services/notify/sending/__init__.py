"""Getting what was decided to LINE: paced, in order, once."""
