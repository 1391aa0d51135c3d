-- Short addresses of ours, each bound to exactly one address for good. `id` follows from what a link
-- is for, so that the same message tracked twice keeps its codes; an owner's own link has a name.
CREATE TABLE links (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE,
    address text NOT NULL,
    name text,
    broadcast_id uuid,
    template text,
    template_version integer,
    segment text,
    created_at timestamptz NOT NULL
);
CREATE INDEX links_broadcast ON links (broadcast_id) WHERE broadcast_id IS NOT NULL;
CREATE INDEX links_template ON links (template) WHERE template IS NOT NULL;

-- How often a link was opened, by the hour (its beginning). Nothing of who opened it.
CREATE TABLE link_clicks (
    link_id uuid NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    hour timestamptz NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (link_id, hour)
) WITH (fillfactor = 80);
CREATE INDEX link_clicks_hour ON link_clicks USING brin (hour);

-- Counts come in batches; the batch's id lets one count once, whatever befell the connection.
CREATE TABLE click_batches (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL
);
CREATE INDEX click_batches_at ON click_batches USING brin (at);
