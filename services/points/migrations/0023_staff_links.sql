-- A link may also let somebody who works here already choose a new password.
ALTER TABLE staff_invitations ADD COLUMN staff_id uuid REFERENCES staff (id);
