-- At most one row: what is known here of the program in force.
CREATE TABLE program (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL,
    time_zone text NOT NULL
);

-- The log is pruned by age; its rows come in order of `created_at`, for which this small index is
-- enough and costs an insert nearly nothing.
CREATE INDEX deliveries_created ON deliveries USING brin (created_at);
