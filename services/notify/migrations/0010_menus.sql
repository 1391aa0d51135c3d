-- Rich menus as they are defined here. `line_id` is the one at LINE that shows it at present, NULL
-- until there is one; `removed` ones are gone for people, and go from here once nobody has them.
CREATE TABLE menus (
    name text PRIMARY KEY,
    document text NOT NULL,
    image bytea NOT NULL,
    media_type text NOT NULL,
    wordless boolean NOT NULL,
    given boolean NOT NULL,
    removed boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    line_id text,
    problem text
);

-- Every rich menu at LINE that was made from here and is not deleted yet; `tag` is its name there.
CREATE TABLE menu_ids (
    line_id text PRIMARY KEY,
    name text NOT NULL,
    tag text NOT NULL,
    created_at timestamptz NOT NULL
);

-- What decides on people's menus, by member: each fact by the time of what was heard last.
CREATE TABLE menu_members (
    member_id uuid PRIMARY KEY,
    rank text,
    rank_at timestamptz NOT NULL DEFAULT '-infinity',
    suspended boolean NOT NULL DEFAULT false,
    suspended_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 80);

-- Which menu each LINE user should have (`wanted`, '' for the default) and which one LINE was told
-- (`linked`, LINE's id, '' for none). A row is open while `due_at` is set. `forgotten` rows are of
-- people who were erased: they go as soon as LINE has taken the menu back.
CREATE TABLE menu_links (
    line_user_id text PRIMARY KEY,
    member_id uuid,
    member_at timestamptz NOT NULL DEFAULT '-infinity',
    has_card boolean NOT NULL DEFAULT false,
    card_at timestamptz NOT NULL DEFAULT '-infinity',
    has_left boolean NOT NULL DEFAULT false,
    left_at timestamptz NOT NULL DEFAULT '-infinity',
    wanted text NOT NULL DEFAULT '',
    linked text NOT NULL DEFAULT '',
    due_at timestamptz,
    leased_until timestamptz,
    tries integer NOT NULL DEFAULT 0,
    problem text,
    checked_at timestamptz NOT NULL DEFAULT '-infinity',
    forgotten boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);

CREATE INDEX menu_links_member ON menu_links (member_id);
CREATE INDEX menu_links_wanted ON menu_links (wanted, linked);
CREATE INDEX menu_links_linked ON menu_links (linked) WHERE linked <> '';
CREATE INDEX menu_links_due ON menu_links (wanted, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX menu_links_checked ON menu_links (checked_at) WHERE linked <> '';

-- At most one row: who brings LINE into step, and how far it is. `walk` is the last LINE user of a walk over
-- all people after the definitions changed, NULL when there is none.
CREATE TABLE menu_sync (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    leased_until timestamptz,
    walk text,
    asked boolean NOT NULL DEFAULT false,
    shipped boolean NOT NULL DEFAULT false,
    default_id text,
    looked_at timestamptz
);

-- What each look at LINE found to differ, and what was done about it.
CREATE TABLE menu_looks (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    people integer NOT NULL,
    found text NOT NULL
);
CREATE INDEX menu_looks_at ON menu_looks (at);
