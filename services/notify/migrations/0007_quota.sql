-- The owner's plan for the month's messages, each revision as it was put; the newest one counts.
CREATE TABLE quota_plans (
    revision integer PRIMARY KEY,
    document jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

-- A month in the program's time zone. `line_used` and `line_limit` (NULL: no limit) are what LINE
-- said at `read_at`, `line_own` what our own count was then; `asked_at` is when it was asked last.
-- `refused_at`: LINE said that the limit is reached. `tariff` is the price plan that it was under.
-- `uncounted` is what crashed processes have perhaps sent and never reported, by category: LINE's
-- figure has it, so it counts for budgets only.
-- Its row is what processes lock to share out what is left.
CREATE TABLE quota_months (
    month date PRIMARY KEY,
    tariff jsonb,
    line_limit integer,
    line_used integer,
    line_own integer,
    read_at timestamptz,
    asked_at timestamptz,
    refused_at timestamptz,
    uncounted jsonb NOT NULL DEFAULT '{}'
);

-- Our own count: what LINE took, by day in the program's time zone.
CREATE TABLE quota_sent (
    day date NOT NULL,
    category text NOT NULL,
    kind text NOT NULL,
    broadcast_id uuid,
    messages integer NOT NULL,
    counted_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (day, category, kind, broadcast_id)
) WITH (fillfactor = 70);

-- What a process may still send without asking again, by category, until `expires_at`. `number` is
-- that of the last report it is known by, so that none counts twice.
CREATE TABLE quota_slices (
    process uuid PRIMARY KEY,
    month date NOT NULL,
    held jsonb NOT NULL,
    number bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

-- What is held for the month's turn, and what was dropped, are few among many.
CREATE INDEX deliveries_held ON deliveries (priority, due_at) WHERE status = 'held';
CREATE INDEX deliveries_dropped ON deliveries (finished_at) WHERE status = 'dropped';
