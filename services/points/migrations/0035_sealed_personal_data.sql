-- Personal data that nothing is found by stands locked away (docs/decisions/0026), under a key of
-- the member's own that is locked away itself by PERSONAL_DATA_KEY; `key_name` says by which one.
-- Who destroys the row has destroyed what was locked under it, in every copy that lacks the row.
CREATE TABLE member_keys (
    member_id uuid PRIMARY KEY REFERENCES members (id),
    key_name text NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON member_keys (key_name);

-- JSON, locked away. In `profiles` the free fields but names, in `members` the former names, in the
-- others what stood in the columns beside it, which are empty from then on.
ALTER TABLE profiles ADD COLUMN sealed bytea;
ALTER TABLE members ADD COLUMN sealed bytea;
ALTER TABLE member_changes ADD COLUMN sealed bytea;
ALTER TABLE import_effects ADD COLUMN sealed bytea;
ALTER TABLE member_export_parts ADD COLUMN sealed bytea;

-- A shop that was there before goes on in clear for a day after this migration, while processes of
-- the version before may still run, which cannot read what is locked away. A new one has no row.
CREATE TABLE sealing_waits (for_a_day boolean PRIMARY KEY CHECK (for_a_day));
INSERT INTO sealing_waits SELECT true WHERE EXISTS (SELECT FROM members);
