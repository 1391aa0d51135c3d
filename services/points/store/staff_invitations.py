"""Links that let somebody in once."""

PRUNE = """
DELETE FROM staff_invitations WHERE id IN (
    SELECT id FROM staff_invitations WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
