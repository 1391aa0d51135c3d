-- without a transaction
-- What waits for a person is found by `deliveries_open_notices`. While the version before runs beside,
-- its statements find it by the table's key or among what is due: slower, and the same.
DROP INDEX CONCURRENTLY IF EXISTS deliveries_waiting;
