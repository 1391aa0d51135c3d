-- What the shop knows of a member beyond how they are named; a row comes with the first of it. The
-- birthday stays with the member: awarding looks at it. `names` are the name-like free fields as
-- searches compare them.
CREATE TABLE profiles (
    member_id uuid PRIMARY KEY REFERENCES members (id),
    gender text,
    area text,
    fields jsonb NOT NULL,
    consent jsonb NOT NULL,
    tags text[] NOT NULL,
    names text NOT NULL
);
CREATE INDEX profiles_tags ON profiles USING gin (tags);

-- Who changed what of a member, when and why: attributes, tags, status, card, links to LINE.
-- `before` and `after` hold the changed parts only.
CREATE TABLE member_changes (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    reason text,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (member_id, id)
);

-- Cards that were replaced. What was bought with one before still earns, what is bought after not.
CREATE TABLE lost_cards (
    card text PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members (id),
    replaced_at timestamptz NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL
);
CREATE INDEX ON lost_cards (member_id);

-- One-time codes that a till shows to link a card to a LINE account: a keyed hash of each, one a
-- member. What is used is deleted.
CREATE TABLE link_codes (
    code_hash text PRIMARY KEY,
    member_id uuid NOT NULL UNIQUE REFERENCES members (id),
    expires_at timestamptz NOT NULL
);

-- Nonces of LINE's account link that are under way, hashed; deleted when they are used.
CREATE TABLE link_nonces (
    nonce_hash text PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members (id),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON link_nonces (expires_at);

-- Wrong codes, by who tried (a LINE user, or a hashed address): too many end the trying for a while.
CREATE TABLE link_attempts (
    who text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ON link_attempts (who, at);
CREATE INDEX ON link_attempts USING brin (at);

-- Phone numbers are kept as they are dialled in Japan, digits only, so that one phone is one member
-- however it is written. Where two members have the same, the older one keeps it in the new form.
WITH plain AS (
    SELECT id, regexp_replace(
        regexp_replace(phone, '[^0-9+]', '', 'g'), '^\+810?', '0') AS phone
    FROM members WHERE phone IS NOT NULL
), firsts AS (
    SELECT DISTINCT ON (phone) id, phone FROM plain ORDER BY phone, id
)
UPDATE members SET phone = firsts.phone FROM firsts
WHERE members.id = firsts.id AND members.phone <> firsts.phone
    AND NOT EXISTS (SELECT FROM members other
                    WHERE other.phone = firsts.phone AND other.id <> members.id);
UPDATE waiting_purchases SET reference = 'phone:' || regexp_replace(
    regexp_replace(substr(reference, 7), '[^0-9+]', '', 'g'), '^\+810?', '0')
WHERE reference LIKE 'phone:%' AND substr(reference, 7) ~ '^\+?[0-9 ()-]{6,25}$';
