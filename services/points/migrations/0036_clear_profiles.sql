-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS profiles_clear ON profiles (member_id)
WHERE fields - '{name,name_kana,nickname}'::text[] <> '{}'::jsonb;
