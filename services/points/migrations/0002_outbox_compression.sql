-- Compressing the outbox's messages with pglz costs more than inserting them; lz4 costs a quarter
-- of it and packs as well. A server that was built without lz4 stays with pglz.
DO $$
BEGIN
    ALTER TABLE outbox ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4; the outbox is compressed with pglz';
END
$$;
