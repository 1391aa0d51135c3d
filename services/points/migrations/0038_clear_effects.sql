-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS import_effects_clear ON import_effects (member_id)
WHERE before <> '{}'::jsonb OR after <> '{}'::jsonb;
