"""The SQL of notify, a module a table."""
