-- A version may start later than it is published, so versions do not start in the order of their
-- numbers. A row with `withdraws` is no version: it takes one back that had not started. It has a
-- number of its own, so that whoever knows all numbers up to the newest knows this too.
ALTER TABLE programs ADD COLUMN withdraws integer UNIQUE REFERENCES programs (version);

-- Drafts of the rules over the stored purchases. `from_at` inclusive, `until_at` exclusive, NULL: no
-- bound. Progress is counted in members; `result` is there when done, `problem` when failed.
CREATE TABLE backtests (
    id uuid PRIMARY KEY,
    document json NOT NULL,
    from_at timestamptz,
    until_at timestamptz,
    status text NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
    attempts integer NOT NULL,
    members integer NOT NULL,
    members_done integer NOT NULL,
    purchases_done bigint NOT NULL,
    result json,
    problem text,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX backtests_open ON backtests (asked_at) WHERE finished_at IS NULL;
