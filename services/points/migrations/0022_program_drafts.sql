-- The rules that are being written, the same on every device: one draft, as there is one program.
-- `document` is `json` so that what is read is what was written; it need not be valid yet. `base` is
-- the version that the writing began from (0: none), `revision` tells who looked at an older draft.
CREATE TABLE program_drafts (
    id boolean PRIMARY KEY CHECK (id),
    document json NOT NULL,
    base integer NOT NULL,
    revision integer NOT NULL,
    saved_by text NOT NULL,
    saved_at timestamptz NOT NULL
);
