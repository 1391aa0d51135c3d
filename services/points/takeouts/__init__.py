"""Everything that points keeps, as one ZIP: CSV for people, JSON lines for machines."""
