-- What a delivery is about, and how urgent it is: people stop categories, budgets are for them, and
-- lower priorities go first (0 chat and account, 1 receipt, 2 rank and expiry, 3 campaign).
-- The defaults are for processes of the version before, while they are being replaced.
ALTER TABLE deliveries
    ADD COLUMN category text NOT NULL DEFAULT 'account' CHECK (
        category IN ('chat', 'account', 'receipt', 'rank', 'expiry', 'campaign')
    ),
    ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 3),
    ADD COLUMN template_version integer,
    ADD COLUMN language text CHECK (language IN ('ja', 'en')),
    ADD COLUMN broadcast_id uuid,
    ADD COLUMN multicast_id uuid,
    ADD COLUMN unit text,
    -- `gathering`: never tried, waiting only for what else may be said in its window.
    ADD COLUMN gathering boolean NOT NULL DEFAULT false,
    -- Told within another message, whose delivery this is.
    ADD COLUMN merged_into uuid;

UPDATE deliveries SET category = told.category, priority = told.priority
FROM (VALUES
    ('balance', 'chat', 0), ('why', 'chat', 0), ('why_nothing', 'chat', 0),
    ('earned', 'receipt', 1), ('points_given', 'receipt', 1), ('points_added', 'receipt', 1),
    ('points_taken', 'receipt', 1), ('redeemed', 'receipt', 1), ('refunded', 'receipt', 1),
    ('rank_reached', 'rank', 2), ('rank_reached_with_points', 'rank', 2),
    ('rank_expiring', 'expiry', 2), ('points_expiring', 'expiry', 2)
) AS told (kind, category, priority)
WHERE deliveries.kind = told.kind;

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_status_check,
    DROP CONSTRAINT deliveries_via_check,
    ADD CHECK (status IN ('waiting', 'held', 'delivered', 'failed', 'skipped', 'unknown',
        'merged', 'cancelled', 'dropped')),
    ADD CHECK (via IN ('reply', 'push', 'multicast')),
    ADD CHECK ((status = 'merged') = (merged_into IS NOT NULL));

-- What is due, the most urgent first; and what else waits for the same person. Campaigns wait in
-- their tens of thousands and are never merged, so they stand only in the first.
DROP INDEX deliveries_open;
CREATE INDEX deliveries_due ON deliveries (priority, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (line_user_id)
    WHERE due_at IS NOT NULL AND priority < 3;

-- What owners ask for, newest first: by event (a broadcast is one), by time, and what went wrong.
DROP INDEX deliveries_event;
CREATE INDEX deliveries_event ON deliveries (event_id, created_at, id);
DROP INDEX deliveries_created;
CREATE INDEX deliveries_created ON deliveries (created_at, id);
CREATE INDEX deliveries_odd ON deliveries (created_at, id)
    WHERE status NOT IN ('waiting', 'delivered', 'merged');
CREATE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_merged ON deliveries (merged_into) WHERE merged_into IS NOT NULL;

-- `blocked_at` and `returned_at` are LINE's times of the last block and of the last return after
-- one. `profile_at` is when LINE last told name and language; until then `language` is the shop's.
-- `profile_due_at` is when to ask (again).
ALTER TABLE recipients
    ADD COLUMN blocked_at timestamptz,
    ADD COLUMN returned_at timestamptz,
    ADD COLUMN profile_at timestamptz,
    ADD COLUMN profile_due_at timestamptz;
UPDATE recipients SET profile_due_at = changed_at;
UPDATE recipients SET blocked_at = changed_at WHERE blocked;
CREATE INDEX recipients_profile ON recipients (profile_due_at)
    WHERE profile_due_at IS NOT NULL AND NOT blocked;

-- Which kinds of notices somebody has stopped, or wants again; the newest word counts.
CREATE TABLE preferences (
    line_user_id text NOT NULL,
    category text NOT NULL CHECK (category IN ('receipt', 'rank', 'expiry', 'campaign')),
    stopped boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    via text NOT NULL CHECK (via IN ('chat', 'card')),
    PRIMARY KEY (line_user_id, category)
);

-- The owner's settings of messages, each revision as it was put; the newest one counts.
CREATE TABLE message_settings (
    revision integer PRIMARY KEY,
    document jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
