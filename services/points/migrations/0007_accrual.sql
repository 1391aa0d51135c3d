-- Of the birthday accrual looks at the month only; whoever keeps members' attributes writes it.
ALTER TABLE members ADD COLUMN birthday date;

-- Purchases that waited too long are found by when they were accepted.
CREATE INDEX ON waiting_purchases (accepted_at);
