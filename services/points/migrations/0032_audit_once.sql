-- without a transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS audit_log_before_once ON audit_log (id, at);
