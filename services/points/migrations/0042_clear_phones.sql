-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS members_clear_phones ON members (id)
WHERE phone IS NOT NULL;
