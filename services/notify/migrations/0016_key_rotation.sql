-- A key that was replaced stays good until `old_until`, so that a till can be changed over in peace.
ALTER TABLE api_keys ADD COLUMN old_key_hash text, ADD COLUMN old_until timestamptz;
CREATE INDEX api_keys_old_hash ON api_keys (old_key_hash) WHERE old_key_hash IS NOT NULL;
