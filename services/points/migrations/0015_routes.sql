-- Ways on which people come to the shop's LINE account: a poster, a store, an advertisement, a page.
-- A route is never deleted: what is printed stays printed, and members keep how they came.
CREATE TABLE routes (
    code text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('poster', 'store', 'advertisement', 'web', 'other')),
    store text,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Who came by a route and is no member yet, by the SHA-256 of the LINE user id; the first route
-- counts. The row goes when they join, when it is too old, and with an erasure.
CREATE TABLE route_visits (
    user_hash text PRIMARY KEY,
    route text NOT NULL REFERENCES routes (code),
    at timestamptz NOT NULL
);
CREATE INDEX route_visits_at ON route_visits (at);

-- How many came by, by the hour (its beginning). Nothing of who.
CREATE TABLE route_counts (
    route text NOT NULL REFERENCES routes (code),
    hour timestamptz NOT NULL,
    visits bigint NOT NULL,
    PRIMARY KEY (route, hour)
) WITH (fillfactor = 80);

-- By which route a member joined, and when that was. Who took over another's card took this too.
ALTER TABLE members
    ADD COLUMN route text REFERENCES routes (code),
    ADD COLUMN route_at timestamptz,
    ADD CHECK ((route IS NULL) = (route_at IS NULL));
CREATE INDEX members_route ON members (route) WHERE route IS NOT NULL;
