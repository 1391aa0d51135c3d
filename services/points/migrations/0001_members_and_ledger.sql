-- Every hot table's key starts with the member, so that it can be distributed by member one day.
-- What uniqueness rests on (requests) is apart and is never partitioned away.
-- Points and money are integers; no column has a default that reads the clock.

CREATE TABLE stores (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    active boolean NOT NULL,
    revision integer NOT NULL
);

-- An API key. Only its SHA-256 is kept.
CREATE TABLE terminals (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('pos', 'owner', 'read')),
    store text REFERENCES stores (code),
    key_hash text NOT NULL UNIQUE,
    active boolean NOT NULL,
    revision integer NOT NULL,
    created_at timestamptz NOT NULL
);

-- The rules, as `json` so that what is read is what was published, to the letter.
CREATE TABLE programs (
    version integer PRIMARY KEY,
    document json NOT NULL,
    effective_from timestamptz NOT NULL,
    published_at timestamptz NOT NULL,
    published_by text NOT NULL
);

-- Card numbers are a keyed permutation of this sequence, so that one does not give away the next.
CREATE SEQUENCE card_numbers MINVALUE 0;
CREATE TABLE card_key (key uuid NOT NULL);
INSERT INTO card_key VALUES (gen_random_uuid());

CREATE TABLE members (
    id uuid PRIMARY KEY,
    card text NOT NULL UNIQUE,
    line_user_id text UNIQUE,
    external_id text UNIQUE,
    phone text UNIQUE,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'left')),
    friend boolean NOT NULL,
    friend_changed_at timestamptz,
    joined_at timestamptz NOT NULL
);

-- One row per member and unit, locked in member order by whoever changes the ledger.
-- spendable = in_lots - held - debt; sum of entries = in_lots + pending - debt.
CREATE TABLE accounts (
    member_id uuid NOT NULL REFERENCES members (id),
    unit text NOT NULL,
    in_lots bigint NOT NULL,
    pending bigint NOT NULL,
    held bigint NOT NULL,
    debt bigint NOT NULL,
    earned bigint NOT NULL,
    spent bigint NOT NULL,
    amount_spent bigint NOT NULL,
    purchases integer NOT NULL,
    visits integer NOT NULL,
    last_visit_at timestamptz,
    remainder_numerator bigint NOT NULL,
    remainder_denominator bigint NOT NULL,
    PRIMARY KEY (member_id, unit),
    CHECK (in_lots >= 0 AND pending >= 0 AND held >= 0 AND debt >= 0 AND held <= in_lots)
) WITH (fillfactor = 70);

-- The ledger: append-only (the trigger below). `cause` is the request or event behind the entry.
CREATE TABLE entries (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    unit text NOT NULL,
    kind text NOT NULL CHECK (
        kind IN ('earn', 'redeem', 'release', 'reverse', 'expire', 'adjust', 'transfer')
    ),
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    cause uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    source text NOT NULL,
    actor text NOT NULL,
    program_version integer NOT NULL,
    explanation json NOT NULL,
    PRIMARY KEY (member_id, id),
    UNIQUE (member_id, cause, kind, unit)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: add an entry that corrects';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON entries
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an earn entry opened and how much of it is left. Pending until `active_at`.
CREATE TABLE lots (
    member_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    unit text NOT NULL,
    opened bigint NOT NULL CHECK (opened >= 0),
    remaining bigint NOT NULL CHECK (remaining BETWEEN 0 AND opened),
    opened_at timestamptz NOT NULL,
    active_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (member_id, entry_id)
);

-- Every accepted request that changes something: the authority on what a key has already named.
CREATE TABLE requests (
    id uuid PRIMARY KEY,
    terminal_id uuid NOT NULL,
    key text NOT NULL,
    body_hash text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    member_id uuid,
    detail text,
    created_at timestamptz NOT NULL
);

-- A purchase with the context that it was judged in, for refunds at the rules of its day.
CREATE TABLE purchases (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    entry_id uuid NOT NULL,
    store text NOT NULL,
    terminal_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    total bigint NOT NULL,
    visits integer NOT NULL,
    points bigint NOT NULL,
    purchase json NOT NULL,
    context json NOT NULL,
    PRIMARY KEY (member_id, id)
);

-- Purchases of cards that nobody has yet, kept until somebody does.
CREATE TABLE waiting_purchases (
    id uuid PRIMARY KEY,
    reference text NOT NULL,
    event bytea NOT NULL,
    accepted_at timestamptz NOT NULL
);
CREATE INDEX ON waiting_purchases (reference);

-- Points given against a budget of the program as a whole; locked only while such a cap is set.
CREATE TABLE budgets (
    name text PRIMARY KEY,
    given bigint NOT NULL
);

-- A rotating QR belongs to the first terminal that uses it.
CREATE TABLE qr_uses (
    token_hash text PRIMARY KEY,
    terminal_id uuid NOT NULL,
    used_at timestamptz NOT NULL
);

-- Owned by the ranks process alone. `code` NULL: no rank. `floor` is a rank given by hand.
CREATE TABLE ranks (
    member_id uuid PRIMARY KEY,
    code text,
    since timestamptz NOT NULL,
    keep_until timestamptz,
    floor text
) WITH (fillfactor = 80);

-- Ranking everybody again: after a tick or a new program, in pages, resumed after a crash.
CREATE TABLE rank_runs (
    id uuid PRIMARY KEY,
    reason text NOT NULL,
    evaluation boolean NOT NULL,
    after_member uuid NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX ON rank_runs (started_at) WHERE finished_at IS NULL;

CREATE TABLE inbox (
    reader text NOT NULL,
    event_id uuid NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (reader, event_id)
);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    type text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL
);
