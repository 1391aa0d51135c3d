"""The edge: verifies, de-duplicates and durably accepts what comes in from LINE and from tills."""
