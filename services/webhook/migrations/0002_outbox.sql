-- What this service answers to who asks for a copy of what is known of them.
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL
);
