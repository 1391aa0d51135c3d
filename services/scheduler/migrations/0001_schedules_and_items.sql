-- Recurring schedules. `time_zone` NULL: the program's. Moments up to `checked_until` have been
-- fired or passed over; NULL: never looked at, so nothing was missed. After an absence the latest
-- `catch_up` missed moments are fired, older ones are passed over.
CREATE TABLE schedules (
    name text PRIMARY KEY,
    cron text NOT NULL,
    time_zone text,
    catch_up integer NOT NULL CHECK (catch_up BETWEEN 1 AND 1000),
    checked_until timestamptz
);
INSERT INTO schedules (name, cron, catch_up) VALUES ('nightly', '30 3 * * *', 1);

-- What has fired. The key is what makes a moment fire once, whatever replicas and clocks do.
CREATE TABLE ticks (
    schedule text NOT NULL,
    due_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    UNIQUE (schedule, due_at)
);

-- Single events that other services registered; a row goes when its event enters the outbox.
CREATE TABLE items (
    key text PRIMARY KEY,
    due_at timestamptz NOT NULL,
    event_type text NOT NULL,
    data bytea NOT NULL,
    request_id uuid NOT NULL,
    subject text,
    correlation_id text,
    traceparent text
) WITH (fillfactor = 80);
CREATE INDEX ON items (due_at);

-- The newest that was said about a key, so that older requests and cancellations that arrive late
-- change nothing. Forgotten after a month.
CREATE TABLE latest_words (
    key text PRIMARY KEY,
    said_at timestamptz NOT NULL
);
CREATE INDEX ON latest_words (said_at);

-- At most one row: the program in force.
CREATE TABLE program (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL,
    time_zone text NOT NULL
);

CREATE TABLE inbox (
    reader text NOT NULL,
    event_id uuid NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (reader, event_id)
);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL
);
