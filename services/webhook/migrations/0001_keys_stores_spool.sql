-- Projections of what points owns. `revision` grows with each change; an older one is ignored.

CREATE TABLE api_keys (
    terminal_id uuid PRIMARY KEY,
    key_hash text NOT NULL,
    kind text NOT NULL,
    store text,
    active boolean NOT NULL,
    revision bigint NOT NULL
);

CREATE TABLE stores (
    store_id uuid PRIMARY KEY,
    code text NOT NULL,
    active boolean NOT NULL,
    revision bigint NOT NULL
);

-- One row, raised in the transaction of each change of the two tables above: whoever holds them in
-- memory reads this number to know whether to read them again.
CREATE TABLE projection (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);

INSERT INTO projection (version) VALUES (1);

-- What was accepted while the broker was away, in the order accepted. `body` is one encoded event.
CREATE TABLE spool (
    seq bigserial PRIMARY KEY,
    type text NOT NULL,
    body bytea NOT NULL,
    accepted_at timestamptz NOT NULL
);
