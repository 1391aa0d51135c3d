-- Segments that the owner named. `definition` is `json` so that what is read is what was written.
CREATE TABLE segments (
    code text PRIMARY KEY,
    name text NOT NULL,
    definition json NOT NULL,
    revision integer NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Streams that were asked for, one at a time for each worker; a stream that was cut off is begun
-- anew under another id. `single` ones are for one member and wait for no large one.
CREATE TABLE segment_requests (
    id uuid PRIMARY KEY,
    definition json NOT NULL,
    segment text,
    single boolean NOT NULL,
    attempts integer NOT NULL,
    stream_id uuid,
    members bigint NOT NULL,
    asked_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX segment_requests_open ON segment_requests (asked_at, id) WHERE finished_at IS NULL;

-- What was bought in the last so many days. Rows come in order of their moments: these small indexes
-- are enough, and cost an award nearly nothing.
CREATE INDEX purchases_occurred ON purchases USING brin (occurred_at);
CREATE INDEX entries_occurred ON entries USING brin (occurred_at);
