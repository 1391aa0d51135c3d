-- The sampled traces that lead to this message: traceparents with spaces between them, its own and
-- those of what was merged into it. NULL where nobody traces, and so costs nothing.
ALTER TABLE deliveries ADD COLUMN traceparents text;
