-- What LINE calls people, as notify tells it. A name may come before there is a member, and goes
-- wherever the LINE account goes. NULL: LINE tells none any more.
CREATE TABLE line_names (
    line_user_id text PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    name text,
    named_at timestamptz NOT NULL
);

-- What members are found by, typed from its beginning: one row for each way to begin. `kind`: b
-- from the beginning, i from within a name, r the last digits, backwards. `owner` is a member, or
-- the `id` of a name in line_names; `source` what it was made from: a member's own numbers (m), old
-- cards (c), the profile (p), LINE's name (l). A B-tree answers any beginning with its first rows,
-- at the same price for what one has and what everybody has; docs/decisions/0022 has the figures.
CREATE TABLE member_terms (
    owner uuid NOT NULL,
    source "char" NOT NULL,
    kind "char" NOT NULL,
    term text COLLATE "C" NOT NULL
);
CREATE INDEX member_terms_found ON member_terms (kind, term, owner);
CREATE INDEX member_terms_owner ON member_terms (owner);

-- How far the members that were there before are in; no row: all are.
CREATE TABLE member_terms_due (after_member uuid NOT NULL);
INSERT INTO member_terms_due
SELECT '00000000-0000-0000-0000-000000000000' WHERE EXISTS (SELECT FROM members);

-- A text without what people write differently: width, case, hiragana or katakana, spaces, and the
-- old forms of characters that are common in names.
CREATE FUNCTION search_form(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT regexp_replace(translate(lower(normalize(written, NFKC)),
    'ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプ'
    'ヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶヽヾ髙﨑邉邊齋齊斎濵濱德栁嶋嶌澤廣國眞櫻瀧龍惠榮藏壽圓舘冨',
    'ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷ'
    'へべぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんゔかけゝゞ高崎辺辺斉斉斉浜浜徳柳島島沢広国真桜滝竜恵栄蔵寿円館富'),
    '[[:space:][:cntrl:]]', '', 'g')
$$;

CREATE FUNCTION name_terms(name text) RETURNS TABLE (kind "char", term text) LANGUAGE sql IMMUTABLE
AS $$
SELECT DISTINCT CASE n WHEN 1 THEN 'b'::"char" ELSE 'i'::"char" END, substr(form, n, 64)
FROM search_form(name) AS form, generate_series(1, length(form)) AS n
$$;

CREATE FUNCTION number_terms(number text) RETURNS TABLE (kind "char", term text)
LANGUAGE sql IMMUTABLE AS $$
SELECT 'b'::"char", left(number, 64) WHERE number IS NOT NULL
UNION SELECT 'b'::"char", left(substr(number, 2), 64) WHERE number LIKE '+%'
UNION SELECT 'r'::"char", left(reverse(number), 64) WHERE number ~ '[0-9]$'
$$;

CREATE FUNCTION member_own_terms(card text, phone text, external_id text)
RETURNS TABLE (kind "char", term text) LANGUAGE sql IMMUTABLE AS $$
SELECT * FROM number_terms(card) UNION SELECT * FROM number_terms(phone)
UNION SELECT 'b'::"char", left(search_form(external_id), 64) WHERE external_id IS NOT NULL
$$;

CREATE FUNCTION profile_terms(fields jsonb) RETURNS TABLE (kind "char", term text)
LANGUAGE sql IMMUTABLE AS $$
SELECT DISTINCT t.kind, t.term
FROM (VALUES ('name'), ('name_kana'), ('nickname')) AS f (field), name_terms(fields ->> field) AS t
$$;

-- Whoever changes a name changes what it is found by, in the same transaction, in whatever way.
CREATE FUNCTION note_member_terms() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM member_terms WHERE owner = old.id AND source = 'm';
    END IF;
    IF TG_OP <> 'DELETE' AND new.erased_at IS NULL THEN
        INSERT INTO member_terms SELECT new.id, 'm', t.kind, t.term
        FROM member_own_terms(new.card, new.phone, new.external_id) AS t;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER searched AFTER INSERT OR DELETE ON members
FOR EACH ROW EXECUTE FUNCTION note_member_terms();
CREATE TRIGGER searched_anew AFTER UPDATE OF card, phone, external_id, erased_at ON members
FOR EACH ROW WHEN ((old.card, old.phone, old.external_id, old.erased_at)
    IS DISTINCT FROM (new.card, new.phone, new.external_id, new.erased_at))
EXECUTE FUNCTION note_member_terms();

CREATE FUNCTION note_profile_terms() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM member_terms WHERE owner = old.member_id AND source = 'p';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO member_terms SELECT new.member_id, 'p', t.kind, t.term
        FROM profile_terms(new.fields) AS t;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER searched AFTER INSERT OR DELETE ON profiles
FOR EACH ROW EXECUTE FUNCTION note_profile_terms();
CREATE TRIGGER searched_anew AFTER UPDATE OF fields ON profiles
FOR EACH ROW WHEN (old.fields IS DISTINCT FROM new.fields)
EXECUTE FUNCTION note_profile_terms();

CREATE FUNCTION note_card_terms() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO member_terms SELECT new.member_id, 'c', t.kind, t.term
        FROM number_terms(new.card) AS t;
    ELSE
        DELETE FROM member_terms t USING number_terms(old.card) AS gone
        WHERE t.owner = old.member_id AND t.source = 'c' AND t.kind = gone.kind
            AND t.term = gone.term;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER searched AFTER INSERT OR DELETE ON lost_cards
FOR EACH ROW EXECUTE FUNCTION note_card_terms();

CREATE FUNCTION note_line_terms() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM member_terms WHERE owner = old.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO member_terms SELECT new.id, 'l', t.kind, t.term FROM name_terms(new.name) AS t;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER searched AFTER INSERT OR DELETE ON line_names
FOR EACH ROW EXECUTE FUNCTION note_line_terms();
CREATE TRIGGER searched_anew AFTER UPDATE OF name ON line_names
FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name) EXECUTE FUNCTION note_line_terms();
