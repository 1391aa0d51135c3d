-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS member_changes_clear ON member_changes (member_id)
WHERE sealed IS NULL;
