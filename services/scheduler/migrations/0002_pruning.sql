-- For pruning by age. Rows come in order of their moments: this small index is enough, and costs an
-- insert nearly nothing.
CREATE INDEX inbox_seen ON inbox USING brin (seen_at);
