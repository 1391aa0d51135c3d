-- Leaving for good. The row and its ledger stay; the names that led to it are set free: they stand in
-- `former_names` ({"line_user_id": …, "phone": …}) for the export, until they are erased.
ALTER TABLE members
    ADD COLUMN left_at timestamptz,
    ADD COLUMN left_reason text,
    ADD COLUMN former_names jsonb,
    ADD COLUMN erased_at timestamptz;
UPDATE members SET left_at = joined_at WHERE status = 'left';
-- On the account too, which everybody locks: whoever waited for the lock sees it there.
ALTER TABLE accounts ADD COLUMN left_at timestamptz;
UPDATE accounts SET left_at = members.left_at FROM members
WHERE members.id = accounts.member_id AND members.left_at IS NOT NULL;
ALTER TABLE members ADD CHECK ((status = 'left') = (left_at IS NOT NULL));
ALTER TABLE members ADD CHECK (erased_at IS NULL OR status IN ('left', 'merged'));

-- Who left, by the SHA-256 of the LINE user id (128 random bits, so nobody finds the id behind it):
-- only a follow later than `at` makes them a member again, and the welcome is not given twice.
CREATE TABLE farewells (
    user_hash text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- Copies of all that is known of a member, put together from each service's part.
CREATE TABLE member_exports (
    id uuid PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members (id),
    actor text NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE INDEX ON member_exports (member_id, asked_at);
CREATE INDEX ON member_exports (asked_at);
CREATE TABLE member_export_parts (
    export_id uuid NOT NULL REFERENCES member_exports (id) ON DELETE CASCADE,
    service text NOT NULL,
    part json NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (export_id, service)
);

-- What tills and the owner did for a member, other than purchases, which are found by their ids.
CREATE INDEX requests_of_members ON requests (member_id) WHERE kind <> 'purchase';

-- Erasing somebody takes what people wrote (a reason, a card's number) out of the explanations of
-- their entries. Nothing else of an entry can be changed, and nothing else can be left out.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(new) - 'explanation' = to_jsonb(old) - 'explanation'
            AND new.explanation::jsonb
                = old.explanation::jsonb - ARRAY['reason', 'from_card', 'to_card'] THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: add an entry that corrects';
END
$$;
