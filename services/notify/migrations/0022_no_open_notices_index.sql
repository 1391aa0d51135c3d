-- without a transaction
-- `deliveries_in_turn` finds the same. The version before names no index: its statements use it, too.
DROP INDEX CONCURRENTLY IF EXISTS deliveries_open_notices;
