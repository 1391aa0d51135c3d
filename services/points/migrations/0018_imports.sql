-- Members and balances that a shop brings along, from a CSV file.

-- The file as it was sent, until it has been read; what nobody came back for is pruned by age.
CREATE TABLE import_chunks (
    upload_id uuid NOT NULL,
    number integer NOT NULL,
    body bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (upload_id, number)
);
CREATE INDEX ON import_chunks USING brin (at);

-- Kept for ever: entries name the import that they come from. `position` is the last row that was
-- dealt with in the present state, `settings` what was chosen ({"columns": …, …}), `totals` what the
-- dry run came to, `problem` why it stands still ({"ja": …, "en": …}).
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    file_name text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    preset text NOT NULL,
    upload_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN (
        'reading', 'mapping', 'checking', 'checked', 'running', 'paused', 'done', 'undoing',
        'undone', 'failed')),
    encoding text,
    delimiter text,
    headings json,
    settings json,
    rows integer NOT NULL DEFAULT 0,
    position integer NOT NULL DEFAULT 0,
    totals json,
    problem json,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX ON imports (asked_at);
CREATE INDEX ON imports (sha256);

-- What the rows hold, as long as it is needed: deleted by age, with all that hangs on it.
CREATE TABLE import_contents (
    import_id uuid PRIMARY KEY REFERENCES imports (id),
    changed_at timestamptz NOT NULL
);
CREATE TABLE import_rows (
    import_id uuid NOT NULL REFERENCES import_contents (import_id) ON DELETE CASCADE,
    number integer NOT NULL,
    cells text[] NOT NULL,
    fault text,
    PRIMARY KEY (import_id, number)
);

-- What the dry run says of each row. `points` are those that it would bring.
CREATE TABLE import_verdicts (
    import_id uuid NOT NULL REFERENCES import_contents (import_id) ON DELETE CASCADE,
    number integer NOT NULL,
    fate text NOT NULL CHECK (fate IN ('new', 'matched', 'skipped', 'bad')),
    member_id uuid,
    matched_by text,
    points bigint NOT NULL,
    ranked boolean NOT NULL,
    faults json NOT NULL,
    notes json NOT NULL,
    PRIMARY KEY (import_id, number)
);
CREATE INDEX ON import_verdicts (import_id, fate, number);
CREATE INDEX ON import_verdicts (member_id) WHERE member_id IS NOT NULL;

-- The first row of the file that bears a name ("phone:0901…"), so that a second one is found.
CREATE TABLE import_names (
    import_id uuid NOT NULL REFERENCES import_contents (import_id) ON DELETE CASCADE,
    name text NOT NULL,
    number integer NOT NULL,
    PRIMARY KEY (import_id, name)
);
CREATE INDEX ON import_names (name);

-- What was done for each row, once: in the transaction that did it. `before` and `after` are the
-- parts of the member that changed; `spent` is what was bought in the shop's earlier life, which
-- counts among `accounts.amount_spent` of the member (whoever took them over by a merge).
CREATE TABLE import_effects (
    import_id uuid NOT NULL REFERENCES imports (id),
    number integer NOT NULL,
    fate text NOT NULL CHECK (fate IN ('new', 'matched', 'skipped', 'bad')),
    member_id uuid,
    entry_id uuid,
    points bigint NOT NULL,
    spent bigint NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    faults json NOT NULL,
    done_at timestamptz NOT NULL,
    undone_at timestamptz,
    kept text,
    merged_from uuid,
    PRIMARY KEY (import_id, number)
);
CREATE INDEX ON import_effects (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX ON import_effects (import_id, fate, number);

-- Cards of the shop's earlier life: whoever shows one is this member.
CREATE TABLE old_cards (
    card text PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members (id),
    import_id uuid NOT NULL REFERENCES imports (id)
);
CREATE INDEX ON old_cards (member_id);
CREATE TRIGGER searched AFTER INSERT OR DELETE ON old_cards
FOR EACH ROW EXECUTE FUNCTION note_card_terms();

-- Everything there is, as a ZIP in chunks, of one moment; deleted by age.
CREATE TABLE takeouts (
    id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('waiting', 'writing', 'done', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    section text,
    rows bigint NOT NULL DEFAULT 0,
    size bigint NOT NULL DEFAULT 0,
    taken_at timestamptz,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX ON takeouts (asked_at);
CREATE TABLE takeout_chunks (
    takeout_id uuid NOT NULL REFERENCES takeouts (id) ON DELETE CASCADE,
    number integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (takeout_id, number)
);
ALTER TABLE takeout_chunks ALTER body SET STORAGE EXTERNAL;
ALTER TABLE import_chunks ALTER body SET STORAGE EXTERNAL;
