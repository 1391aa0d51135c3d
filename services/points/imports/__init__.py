"""Imports of members and balances: taken in, read, tried out, run, undone."""
