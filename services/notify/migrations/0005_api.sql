-- This service's copy of the API keys that points owns; an older revision is ignored.
CREATE TABLE api_keys (
    terminal_id uuid PRIMARY KEY,
    key_hash text NOT NULL,
    kind text NOT NULL,
    store text,
    active boolean NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX api_keys_hash ON api_keys (key_hash);

-- What an Idempotency-Key was used for; the id follows from the caller and the key.
CREATE TABLE requests (
    id uuid PRIMARY KEY,
    body_hash text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX requests_created ON requests USING brin (created_at);
