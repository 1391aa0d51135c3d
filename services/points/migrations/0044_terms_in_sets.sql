-- What new members are found by is noted for all rows of a statement at once: row by row an import
-- took a seventh longer. What comes few at a time stays as it was: changes, deletions, names in LINE
-- and cards that are replaced.
CREATE FUNCTION note_added_members() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO member_terms SELECT added.id, 'm', t.kind, t.term
    FROM added, member_own_terms(added.card, added.phone, added.external_id) AS t
    WHERE added.erased_at IS NULL;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER searched AFTER DELETE ON members
FOR EACH ROW EXECUTE FUNCTION note_member_terms();
CREATE TRIGGER searched_first AFTER INSERT ON members REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION note_added_members();

CREATE FUNCTION note_added_profiles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO member_terms SELECT added.member_id, 'p', t.kind, t.term
    FROM added, profile_terms(added.fields) AS t;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER searched AFTER DELETE ON profiles
FOR EACH ROW EXECUTE FUNCTION note_profile_terms();
CREATE TRIGGER searched_first AFTER INSERT ON profiles REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION note_added_profiles();

CREATE FUNCTION note_added_cards() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO member_terms SELECT added.member_id, 'c', t.kind, t.term
    FROM added, number_terms(added.card) AS t;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER searched AFTER DELETE ON old_cards
FOR EACH ROW EXECUTE FUNCTION note_card_terms();
CREATE TRIGGER searched_first AFTER INSERT ON old_cards REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION note_added_cards();

CREATE FUNCTION note_added_phones() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO member_terms SELECT member_id, 'n', 'w'::"char", encode(mark, 'hex')
    FROM added WHERE mark IS NOT NULL
    UNION ALL SELECT member_id, 'n', 's'::"char", unnest(ends) FROM added WHERE mark IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER searched AFTER UPDATE OR DELETE ON member_phones
FOR EACH ROW EXECUTE FUNCTION note_phone_terms();
CREATE TRIGGER searched_first AFTER INSERT ON member_phones REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION note_added_phones();
