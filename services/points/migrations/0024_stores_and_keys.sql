-- What customers and staff are told of a store.
ALTER TABLE stores ADD COLUMN address text, ADD COLUMN note text;

-- A key that was replaced stays good until `old_until`. `last_used_at` is written once a minute at
-- most, and of calls and purchases that points saw.
ALTER TABLE terminals
    ADD COLUMN old_key_hash text UNIQUE,
    ADD COLUMN old_until timestamptz,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN last_used_at timestamptz,
    ADD CHECK ((old_key_hash IS NULL) = (old_until IS NULL));
