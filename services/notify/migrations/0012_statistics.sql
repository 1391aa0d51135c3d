-- What LINE tells of a day (LINE's days are Japan's): friends, messages by way of sending, units used.
CREATE TABLE insight_days (
    what text NOT NULL CHECK (what IN ('followers', 'deliveries', 'units')),
    day date NOT NULL,
    figures json NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (what, day)
);

-- What LINE tells of a broadcast's unit, as last read; `delivered` is our own count at that moment.
CREATE TABLE insight_units (
    unit text PRIMARY KEY,
    broadcast_id uuid NOT NULL UNIQUE,
    delivered bigint NOT NULL,
    figures json NOT NULL,
    read_at timestamptz NOT NULL
);

-- What LINE was asked, so that replicas ask once and together stay below LINE's 60 an hour.
-- `again_at` is NULL once it was answered.
CREATE TABLE insight_questions (
    question text PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    again_at timestamptz
);
CREATE INDEX insight_questions_asked ON insight_questions (asked_at);
