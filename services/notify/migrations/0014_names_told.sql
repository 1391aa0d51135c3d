-- Whether the shop was told (`recipient.named`) the name that stands here; those that were there
-- before this are told first.
ALTER TABLE recipients ADD COLUMN name_told boolean NOT NULL DEFAULT false;
CREATE INDEX recipients_untold ON recipients (line_user_id)
WHERE NOT name_told AND (display_name IS NOT NULL OR profile_at IS NOT NULL);
