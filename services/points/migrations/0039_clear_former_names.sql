-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS members_clear_names ON members (id)
WHERE former_names IS NOT NULL;
