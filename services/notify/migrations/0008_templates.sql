-- What the shop says in place of the shipped defaults: a row a version, never changed. The highest
-- version of a kind and language counts; without messages it is the shipped default again.
CREATE TABLE templates (
    kind text NOT NULL,
    language text NOT NULL CHECK (language IN ('ja', 'en')),
    version integer NOT NULL CHECK (version >= 1),
    messages text,
    note text,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (kind, language, version)
);

-- The colour of the shop that messages are drawn in, likewise.
CREATE TABLE themes (
    version integer PRIMARY KEY CHECK (version >= 1),
    brand text NOT NULL CHECK (brand ~ '^#[0-9A-Fa-f]{6}$'),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);

-- Somebody's data on the way into a preview. Points is asked by event; the row goes when the answer
-- was used, or within the hour.
CREATE TABLE previews (
    request_id uuid PRIMARY KEY,
    member_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    answered_at timestamptz,
    person text,
    line_user_id text,
    refused text
);
CREATE INDEX previews_asked ON previews (asked_at);
