-- Versions may be published before they start: which one is in force is a matter of starts.
ALTER TABLE program ADD COLUMN effective_from timestamptz NOT NULL DEFAULT '-infinity';
