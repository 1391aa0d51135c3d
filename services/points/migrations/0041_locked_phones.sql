-- Phones of members stand locked away (docs/decisions/0026), and are found by keyed marks that tell
-- nothing without the key: of the whole number, and of its last four and more digits (`ends`).
-- `moved` is the mark of a number that went to another member by a merge, so that undoing finds it.
CREATE TABLE member_phones (
    member_id uuid PRIMARY KEY REFERENCES members (id),
    mark bytea UNIQUE,
    moved bytea,
    ends text[] NOT NULL,
    sealed bytea NOT NULL,
    CHECK (mark IS NULL <> (moved IS NULL))
);

-- What marks are made with, locked away itself under PERSONAL_DATA_KEY, which may so change. Made
-- once, with the first mark.
CREATE TABLE mark_key (
    is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
    id uuid NOT NULL,
    key_name text NOT NULL,
    sealed bytea NOT NULL
);

-- A shop that was there before goes on in clear for a day after this migration, while processes of
-- the version before may still run. Then what is there is locked away, and purchases are gone
-- through for how tills named members: `after_member` says how far. A new shop has no row.
CREATE TABLE phones_due (after_member uuid NOT NULL);
INSERT INTO phones_due
SELECT '00000000-0000-0000-0000-000000000000' WHERE EXISTS (SELECT FROM members);

-- What a process of the version before writes later than that is the newest, and locked away next.
CREATE FUNCTION forget_phone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM member_phones WHERE member_id = new.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER phoned AFTER UPDATE OF phone ON members
FOR EACH ROW WHEN (new.phone IS NOT NULL AND old.phone IS DISTINCT FROM new.phone)
EXECUTE FUNCTION forget_phone();

-- Searches find marks as they find numbers: w is a whole number, s its last digits.
CREATE FUNCTION note_phone_terms() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM member_terms WHERE owner = old.member_id AND source = 'n';
    END IF;
    IF TG_OP <> 'DELETE' AND new.mark IS NOT NULL THEN
        INSERT INTO member_terms SELECT new.member_id, 'n', 'w'::"char", encode(new.mark, 'hex')
        UNION ALL SELECT new.member_id, 'n', 's'::"char", e FROM unnest(new.ends) AS e;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER searched AFTER INSERT OR UPDATE OR DELETE ON member_phones
FOR EACH ROW EXECUTE FUNCTION note_phone_terms();
