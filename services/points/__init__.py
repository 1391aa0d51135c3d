"""Members and their points: the ledger, the rules that fill it, ranks and the member card."""
