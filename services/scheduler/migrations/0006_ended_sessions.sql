-- Sessions of staff that were ended before their token ran out; points tells of them.
CREATE TABLE ended_sessions (
    session_id uuid PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
