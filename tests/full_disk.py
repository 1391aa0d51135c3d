"""A table for which the disk has no room, as PostgreSQL tells it, without filling a disk."""

FULL = """
CREATE OR REPLACE FUNCTION webhook.no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE OR REPLACE TRIGGER no_room BEFORE INSERT ON webhook.spool
EXECUTE FUNCTION webhook.no_room();
"""
"""From now on the spool takes nothing. Run by the administrator."""

ROOM = "DROP TRIGGER IF EXISTS no_room ON webhook.spool"
"""There is room again."""
