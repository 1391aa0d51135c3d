"""Segments: which members, as data. What a definition says, who it is now, and their stream."""
