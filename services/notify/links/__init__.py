"""Tracked links: short addresses of ours, each bound to one other, and how often it is opened."""
