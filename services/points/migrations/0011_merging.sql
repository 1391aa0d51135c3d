-- Two cards of one person become one. The absorbed member keeps their ledger, ended by transfers;
-- purchases and redemptions move to the member who is kept, and remember where they came from.
ALTER TABLE members ADD COLUMN merged_into uuid REFERENCES members (id);
ALTER TABLE members DROP CONSTRAINT members_status_check;
ALTER TABLE members ADD CHECK (status IN ('active', 'suspended', 'left', 'merged'));
ALTER TABLE members ADD CHECK ((status = 'merged') = (merged_into IS NOT NULL));
CREATE INDEX members_merged ON members (merged_into) WHERE merged_into IS NOT NULL;
-- On the account too, which everybody locks: whoever waited for the lock sees it there.
ALTER TABLE accounts ADD COLUMN merged_into uuid;
ALTER TABLE purchases ADD COLUMN merged_from uuid;
ALTER TABLE redemptions ADD COLUMN merged_from uuid;

-- `names` are what the kept member took over ({"phone": …}); `earned` and `spent` the lifetime sums
-- that were moved with the purchases. An undone merge counts no more.
CREATE TABLE merges (
    id uuid PRIMARY KEY,
    kept uuid NOT NULL REFERENCES members (id),
    absorbed uuid NOT NULL REFERENCES members (id),
    names json NOT NULL,
    earned bigint NOT NULL,
    spent bigint NOT NULL,
    status_before text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    merged_at timestamptz NOT NULL,
    undone_at timestamptz,
    undone_by text,
    CHECK (kept <> absorbed)
);
CREATE INDEX ON merges (kept);
CREATE UNIQUE INDEX ON merges (absorbed) WHERE undone_at IS NULL;
