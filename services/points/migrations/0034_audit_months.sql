-- The audit log by the month, so that what is over is dropped whole (decision 29, shared/months.py).
-- An event's id fixes its moment, so (id, at) is as unique as the id. Nothing is rewritten: the rows
-- there are become the first partition, as they lie.
ALTER TABLE audit_log VALIDATE CONSTRAINT audit_log_ends;

-- squawk-ignore renaming-table
ALTER TABLE audit_log RENAME TO audit_log_before;

CREATE TABLE audit_log (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    staff_id uuid,
    session_id uuid,
    role text NOT NULL,
    service text NOT NULL,
    act text NOT NULL,
    target text,
    store text,
    before jsonb,
    after jsonb,
    key_id uuid,
    CONSTRAINT audit_log_check CHECK (num_nonnulls(staff_id, key_id) = 1)
) PARTITION BY RANGE (at);
CREATE UNIQUE INDEX audit_log_by_id ON audit_log (id, at);
CREATE INDEX audit_log_by_at ON audit_log (at, id);
CREATE INDEX audit_log_by_staff ON audit_log (staff_id, at, id);
CREATE INDEX audit_log_by_target ON audit_log (target, at, id);
CREATE INDEX audit_log_by_key ON audit_log (key_id, at, id) WHERE key_id IS NOT NULL;

DO $$
DECLARE
    ends text;
BEGIN
    SELECT substring(pg_get_constraintdef(oid) FROM '''([^'']+)''') INTO ends FROM pg_constraint
    WHERE conrelid = 'audit_log_before'::regclass AND conname = 'audit_log_ends';
    EXECUTE format(
        'ALTER TABLE audit_log ATTACH PARTITION audit_log_before FOR VALUES FROM (MINVALUE) TO (%L)',
        ends);
END
$$;
CREATE TABLE audit_log_rest PARTITION OF audit_log DEFAULT;
