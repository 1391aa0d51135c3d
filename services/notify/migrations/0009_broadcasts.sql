-- One message to many. `revision` rises with whatever the owner may see change; they confirm the one
-- they saw. The counts are of the stream `stream_id` that answered `request_id`, as of `counted_at`.
CREATE TABLE broadcasts (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    state text NOT NULL CHECK (
        state IN (
            'draft', 'counting', 'ready', 'scheduled', 'recounting', 'sending', 'paused', 'sent',
            'cancelled'
        )
    ),
    revision integer NOT NULL,
    kind text NOT NULL,
    content text NOT NULL,
    definition text NOT NULL,
    segment text,
    growth_limit_percent integer NOT NULL,
    personal boolean NOT NULL,
    spoken text[] NOT NULL,
    request_id uuid UNIQUE,
    requested_at timestamptz,
    stream_id uuid,
    counted_at timestamptz,
    counts text,
    confirmed_recipients integer,
    confirmed_at timestamptz,
    at timestamptz,
    problem text,
    unit text,
    template_version integer,
    planned_language text NOT NULL DEFAULT '',
    planned_user text NOT NULL DEFAULT '',
    planned_chunks integer NOT NULL DEFAULT 0,
    planned_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    settled_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX broadcasts_created ON broadcasts (created_at);
-- What the processes look after: few, and looked for often.
CREATE INDEX broadcasts_open ON broadcasts (state) WHERE settled_at IS NULL;

-- What is said, in each language, fixed when it was confirmed. A text with slots is filled for each.
CREATE TABLE broadcast_texts (
    broadcast_id uuid NOT NULL REFERENCES broadcasts ON DELETE CASCADE,
    language text NOT NULL,
    messages text NOT NULL,
    PRIMARY KEY (broadcast_id, language)
);

-- Who did what when. `actor` is the API key's, NULL where the process itself acted.
CREATE TABLE broadcast_acts (
    broadcast_id uuid NOT NULL REFERENCES broadcasts ON DELETE CASCADE,
    number bigint GENERATED ALWAYS AS IDENTITY,
    act text NOT NULL,
    at timestamptz NOT NULL,
    actor uuid,
    detail text,
    PRIMARY KEY (broadcast_id, number)
);

-- A segment as it comes in, until it is planned: pages, and the people in them who have LINE.
-- `person` is kept only for messages that say something of them.
CREATE TABLE broadcast_pages (
    request_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    number integer NOT NULL,
    last boolean NOT NULL,
    taken_at timestamptz NOT NULL,
    people integer NOT NULL,
    no_line integer NOT NULL,
    PRIMARY KEY (request_id, stream_id, number)
);
CREATE INDEX broadcast_pages_taken ON broadcast_pages (taken_at);

CREATE TABLE broadcast_people (
    stream_id uuid NOT NULL,
    language text NOT NULL,
    line_user_id text NOT NULL,
    person text,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (stream_id, language, line_user_id)
);
CREATE INDEX broadcast_people_user ON broadcast_people (line_user_id);
CREATE INDEX broadcast_people_taken ON broadcast_people USING brin (taken_at);

-- One call for up to 500 recipients: all of them get it, or nobody. They are the deliveries that
-- name it. `id` is the call's retry key. A row is open while `due_at` is set; until then it is also
-- under the lease of whoever took it.
CREATE TABLE multicasts (
    id uuid PRIMARY KEY,
    broadcast_id uuid NOT NULL REFERENCES broadcasts ON DELETE CASCADE,
    number integer NOT NULL,
    language text NOT NULL,
    recipients integer NOT NULL,
    status text NOT NULL CHECK (
        status IN ('waiting', 'held', 'delivered', 'failed', 'unknown', 'dropped', 'skipped',
            'cancelled')
    ),
    due_at timestamptz,
    tries integer NOT NULL,
    unknown_since timestamptz,
    reason text,
    request_id text,
    finished_at timestamptz,
    UNIQUE (broadcast_id, number),
    CHECK ((due_at IS NOT NULL) = (status IN ('waiting', 'held')))
) WITH (fillfactor = 80);
CREATE INDEX multicasts_open ON multicasts (due_at) WHERE due_at IS NOT NULL;

-- Whoever gets a broadcast by multicast waits for that call, not for a moment of their own.
ALTER TABLE deliveries DROP CONSTRAINT deliveries_check, ADD CONSTRAINT deliveries_check CHECK (
    (due_at IS NOT NULL) = (status IN ('waiting', 'held'))
    OR (multicast_id IS NOT NULL AND due_at IS NULL)
);
CREATE INDEX deliveries_multicast ON deliveries (multicast_id) WHERE multicast_id IS NOT NULL;
CREATE INDEX deliveries_broadcast_open ON deliveries (broadcast_id, due_at)
    WHERE broadcast_id IS NOT NULL AND due_at IS NOT NULL;
