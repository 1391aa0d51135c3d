-- What the owner's other systems are told. The keys start with the endpoint: these rows are not of
-- the ledger, there are few endpoints, and what is of one endpoint must not wait for another's.

-- Where to tell what. A secret is not stored: it follows from the installation's key, the endpoint and
-- `secret_generation`; the one before it also signs until `old_secret_until`. `status`: paused means
-- by us, after days of failures (what happens meanwhile is kept for it); off means by its owner, or
-- because it answered 410 (what happens meanwhile is not). `failing_since`: no success since then.
CREATE TABLE hook_endpoints (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    events text[] NOT NULL,
    description text,
    include_line_user_id boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'paused', 'off')),
    reason text CHECK (reason IN ('failing', 'gone', 'owner')),
    failing_since timestamptz,
    last_problem text,
    secret_generation integer NOT NULL,
    old_secret_until timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Public events, kept while there is any endpoint and for 30 days, so that they can be sent again.
-- The primary key is the inbox of the queue: an event that the bus repeats is told once. `data` is
-- `json`, so that every sending has the same bytes; the LINE user stands apart from it.
CREATE TABLE hook_messages (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    at timestamptz NOT NULL,
    member_id uuid,
    line_user_id text,
    data json NOT NULL
);
CREATE INDEX hook_messages_at ON hook_messages (at);

-- One message for one endpoint, and every try to tell it (`log`: at most the last 50). It is open
-- while `due_at` is set; a process that is sending it holds it until `leased_until`.
CREATE TABLE hook_deliveries (
    endpoint_id uuid NOT NULL REFERENCES hook_endpoints (id) ON DELETE CASCADE,
    message_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    status text NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    tries integer NOT NULL,
    due_at timestamptz,
    leased_until timestamptz,
    log jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (endpoint_id, message_id),
    CHECK ((due_at IS NOT NULL) = (status = 'waiting'))
) WITH (fillfactor = 70);
CREATE INDEX hook_deliveries_due ON hook_deliveries (endpoint_id, due_at, seq)
    WHERE due_at IS NOT NULL;
CREATE INDEX hook_deliveries_log ON hook_deliveries (endpoint_id, seq);
