"""The HTTP side of notify: what owners set and read, what customers open."""
