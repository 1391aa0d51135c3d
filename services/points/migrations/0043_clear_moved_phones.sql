-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS merges_clear_phones ON merges (absorbed)
WHERE coalesce(names ->> 'phone', '') <> '';
