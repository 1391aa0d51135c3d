-- without a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_open_notices ON deliveries (line_user_id)
    WHERE status IN ('waiting', 'held') AND priority < 3;
