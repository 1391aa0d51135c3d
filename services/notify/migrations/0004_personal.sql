-- Who was erased, by the SHA-256 of the LINE user id (128 random bits, so nobody finds the id behind
-- it): what happened up to `at` is not kept when it is heard of later.
CREATE TABLE erasures (
    user_hash text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- What somebody sent is found when they ask for a copy, or for its deletion.
CREATE INDEX line_events_user ON line_events (line_user_id) WHERE line_user_id IS NOT NULL;
