"""Ranks of members: recomputed, given by hand, previewed."""
