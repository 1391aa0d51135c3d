-- Who left LINE's friends before anything made them a member here: LINE may deliver the follow, which
-- happened first, later. `at` is LINE's time of leaving. The row goes when the member is enrolled.
CREATE TABLE departures (
    line_user_id text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- For pruning by age. Rows come in order of their moments: these small indexes are enough, and cost
-- an insert nearly nothing.
CREATE INDEX inbox_seen ON inbox USING brin (seen_at);
CREATE INDEX qr_uses_used ON qr_uses USING brin (used_at);
