-- The nightly work, step by step and page by page, resumed after a crash. `id` is that of the tick.
-- What was due at `began_at` is done; within a step, what comes up to (`after_at`, `after_member`)
-- is. A night that was asked for before the last one began is finished at once.
CREATE TABLE nights (
    id uuid PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    began_at timestamptz,
    step text NOT NULL,
    after_at timestamptz NOT NULL,
    after_member uuid NOT NULL,
    activated bigint NOT NULL,
    expired bigint NOT NULL,
    warned bigint NOT NULL,
    finished_at timestamptz
);
CREATE INDEX nights_unfinished ON nights (asked_at, id) WHERE finished_at IS NULL;

-- Warnings that points expire, by member and date: `days` is the latest (smallest) one given. One
-- that was found is told at the end of the night, those of a member together.
CREATE TABLE expiry_warnings (
    member_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    days integer NOT NULL,
    points bigint NOT NULL,
    told boolean NOT NULL,
    PRIMARY KEY (member_id, expires_at)
);
CREATE INDEX expiry_warnings_untold ON expiry_warnings (member_id) WHERE NOT told;
CREATE INDEX expiry_warnings_over ON expiry_warnings (expires_at);

-- The night reads these in their order, a page of members after the other.
DROP INDEX lots_pending;
CREATE INDEX lots_pending ON lots (active_at, member_id) WHERE pending AND remaining > 0;
DROP INDEX lots_expiring;
CREATE INDEX lots_expiring ON lots (expires_at, member_id)
    WHERE remaining > 0 AND expires_at IS NOT NULL;
