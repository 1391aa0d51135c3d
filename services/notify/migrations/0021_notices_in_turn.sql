-- without a transaction
-- What waits for a person, in its order, so that the oldest are found without reading the rest.
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_in_turn
    ON deliveries (line_user_id, created_at, event_id)
    WHERE status IN ('waiting', 'held') AND priority < 3;
