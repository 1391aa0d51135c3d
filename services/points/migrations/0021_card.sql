-- How the shop looks to its customers. One row, once somebody has said so.
CREATE TABLE brand (
    one boolean PRIMARY KEY CHECK (one),
    name_ja text NOT NULL,
    name_en text NOT NULL,
    color text NOT NULL CHECK (color ~ '^#[0-9a-f]{6}$'),
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Its pictures, as they are served: drawn anew from what was sent, named by their content.
CREATE TABLE brand_pictures (
    kind text PRIMARY KEY CHECK (kind IN ('logo', 'picture')),
    hash text NOT NULL UNIQUE,
    width integer NOT NULL,
    height integer NOT NULL,
    content bytea NOT NULL,
    changed_at timestamptz NOT NULL
);

-- A code that hangs in a store and counts a visit for who scans it. It is never deleted: what is
-- printed stays printed, and is told why it does not count any more.
CREATE TABLE printed_codes (
    id uuid PRIMARY KEY,
    store text NOT NULL REFERENCES stores (code),
    label text NOT NULL,
    per_member integer NOT NULL CHECK (per_member > 0),
    per_day integer NOT NULL CHECK (per_day > 0),
    made_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX printed_codes_store ON printed_codes (store, id);

-- A visit without a purchase is kept with the purchases, whose limits it shares: `total` 0, and here
-- how it was counted: 'screen', or the printed code. NULL is a purchase.
ALTER TABLE purchases ADD COLUMN visit text;
CREATE INDEX purchases_visits ON purchases (visit, occurred_at) WHERE visit IS NOT NULL;
