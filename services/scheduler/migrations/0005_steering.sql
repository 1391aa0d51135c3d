-- A paused schedule fires nothing, and when it goes on nothing is made up for.
ALTER TABLE schedules ADD COLUMN paused_at timestamptz;

-- Who asked for a moment that did not come due by itself; NULL: it came due.
ALTER TABLE ticks ADD COLUMN asked_by text;

-- An item that is held waits, whatever its time, until it is let go.
ALTER TABLE items ADD COLUMN held_at timestamptz;
-- With the key, so that a page of many items of one moment is found without sorting all of them.
DROP INDEX items_due_at_idx;
CREATE INDEX items_due ON items (due_at, key) WHERE held_at IS NULL;

-- Items handed over, by type and hour; `worst_lag_ms` is how late the latest of them was.
CREATE TABLE hand_overs (
    event_type text NOT NULL,
    hour timestamptz NOT NULL,
    items bigint NOT NULL,
    worst_lag_ms bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (event_type, hour)
) WITH (fillfactor = 50);

-- What people did to schedules and items.
CREATE TABLE acts (
    id uuid PRIMARY KEY,
    act text NOT NULL,
    target text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX acts_target ON acts (target, id);
