-- What the log has now becomes its first partition (0034): all of it is before the third month from
-- its last known moment. Stated here, looked at there, where it keeps nobody waiting.
DO $$
DECLARE
    ends timestamptz;
BEGIN
    SELECT (date_trunc('month', max(at) AT TIME ZONE 'UTC') + interval '3 months')
        AT TIME ZONE 'UTC' INTO ends
    FROM (
        SELECT max(at) FROM audit_log
        UNION ALL SELECT max(asked_at) FROM nights
        UNION ALL SELECT max(applied_at) FROM migrations
    ) AS known (at);
    EXECUTE format(
        'ALTER TABLE audit_log ADD CONSTRAINT audit_log_ends CHECK (at < %L) NOT VALID', ends);
END
$$;
