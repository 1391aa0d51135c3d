-- Cards of the shop's earlier life may have letters: they are found however those are typed, as what
-- is typed is brought into the same form. What stands there as it was written is brought into it.
CREATE OR REPLACE FUNCTION note_added_cards() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO member_terms SELECT added.member_id, 'c', t.kind, t.term
    FROM added, search_form(added.card) AS form, number_terms(form) AS t;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION note_card_terms() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO member_terms SELECT new.member_id, 'c', t.kind, t.term
        FROM search_form(new.card) AS form, number_terms(form) AS t;
    ELSE
        DELETE FROM member_terms t USING (
            SELECT * FROM number_terms(search_form(old.card)) UNION SELECT * FROM number_terms(old.card)
        ) AS gone
        WHERE t.owner = old.member_id AND t.source = 'c' AND t.kind = gone.kind
            AND t.term = gone.term;
    END IF;
    RETURN NULL;
END
$$;
DELETE FROM member_terms t USING old_cards c, number_terms(c.card) AS gone
WHERE search_form(c.card) <> c.card AND t.owner = c.member_id AND t.source = 'c'
    AND t.kind = gone.kind AND t.term = gone.term;
INSERT INTO member_terms SELECT c.member_id, 'c', t.kind, t.term
FROM old_cards c, number_terms(search_form(c.card)) AS t WHERE search_form(c.card) <> c.card;
