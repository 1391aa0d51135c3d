"""Accounts under lock: books, ledger entries, the check of all that is stored."""
