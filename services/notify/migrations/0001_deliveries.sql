-- Times are written by the services, never by the database's clock.

-- Whom notify can talk to. `changed_at` is LINE's time of the last follow or unfollow known, so that
-- events may come in any order. `display_name` is filled by whoever reads profiles.
CREATE TABLE recipients (
    line_user_id text PRIMARY KEY,
    member_id uuid,
    language text NOT NULL CHECK (language IN ('ja', 'en')),
    display_name text,
    blocked boolean NOT NULL,
    changed_at timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX recipients_member ON recipients (member_id);

-- One row per event and LINE user: the primary key is what makes an event told exactly once.
-- A row is open while `due_at` is set. `id` is derived from the key and is the push's retry key.
CREATE TABLE deliveries (
    line_user_id text NOT NULL,
    event_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL CHECK (
        status IN ('waiting', 'held', 'delivered', 'failed', 'skipped', 'unknown')
    ),
    messages text NOT NULL,
    tries integer NOT NULL,
    due_at timestamptz,
    unknown_since timestamptz,
    reply_token text,
    reply_until timestamptz,
    reply_tried_at timestamptz,
    via text CHECK (via IN ('reply', 'push')),
    reason text,
    request_id text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (line_user_id, event_id),
    CHECK ((due_at IS NOT NULL) = (status IN ('waiting', 'held')))
) WITH (fillfactor = 80);

CREATE INDEX deliveries_open ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_event ON deliveries (event_id);

-- Every LINE event as it came, for 30 days; `raw` is emptied when its message was unsent.
-- The primary key is what lets an event that LINE or the bus repeats take effect once.
CREATE TABLE line_events (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    line_user_id text,
    message_id text,
    raw bytea,
    received_at timestamptz NOT NULL
);

CREATE INDEX line_events_received ON line_events (received_at);
CREATE INDEX line_events_message ON line_events (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL
);
