-- What the owner's systems change by an owner key stands in the log, too: `key_id` is the
-- terminal's, `role` is then `key`, and there is no session.
ALTER TABLE audit_log
    ALTER COLUMN staff_id DROP NOT NULL,
    ALTER COLUMN session_id DROP NOT NULL,
    ADD COLUMN key_id uuid,
    ADD CHECK (num_nonnulls(staff_id, key_id) = 1);
CREATE INDEX audit_log_key ON audit_log (key_id, at, id) WHERE key_id IS NOT NULL;
