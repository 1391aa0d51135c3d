-- `own` is the rank without the floor, and what `keep_until` keeps; `code` is the higher of both.
-- A floor holds while `floor_until` (NULL: without end) has not come. `notice_sent_for` is the
-- `keep_until` whose end was announced: once for each keep period.
ALTER TABLE ranks
    ADD COLUMN own text,
    ADD COLUMN floor_until timestamptz,
    ADD COLUMN notice_sent_for timestamptz;
UPDATE ranks SET own = code WHERE code IS NOT NULL;

-- Floors given and lifted (`code` NULL) by hand, never changed: who did it, and why.
CREATE TABLE rank_floors (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    code text,
    until timestamptz,
    reason text NOT NULL,
    actor text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, id)
);

-- A rank's own gifts do not count towards ranks; few entries are gifts, so this stays small.
CREATE INDEX entries_of_ranks ON entries (member_id) WHERE source = 'rank';

-- How many members a run has come through; a later run that does all that an earlier one would
-- takes its place.
ALTER TABLE rank_runs
    ADD COLUMN members bigint NOT NULL DEFAULT 0,
    ADD COLUMN superseded_by uuid;
