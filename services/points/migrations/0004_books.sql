-- What the engine needs beyond earning: holds, returns, refunds, lots that wait or slide.

-- `moves` are signed points by lot ([[lot, points], …]), all that an entry did beyond opening a lot
-- of its own: with them the ledger can be replayed without deciding anything again. `reverses` is
-- the entry that a refund answers.
ALTER TABLE entries ADD COLUMN moves json, ADD COLUMN reverses uuid;

-- `active_at` and `expires_at` stay what they were at the opening; `pending` ends with a release.
-- A sliding lot has no `expires_at`: it expires `sliding_months` after the account's last activity.
ALTER TABLE lots
    ADD COLUMN held bigint NOT NULL DEFAULT 0,
    ADD COLUMN pending boolean NOT NULL DEFAULT false,
    ADD COLUMN sliding_months integer;
ALTER TABLE lots ADD CHECK (held BETWEEN 0 AND remaining);
UPDATE lots SET pending = true WHERE active_at IS NOT NULL AND remaining > 0;
CREATE INDEX lots_pending ON lots (active_at) WHERE pending;
CREATE INDEX lots_expiring ON lots (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
CREATE INDEX lots_sliding ON lots (member_id) WHERE remaining > 0 AND sliding_months IS NOT NULL;

ALTER TABLE accounts ADD COLUMN last_activity_at timestamptz;
UPDATE accounts SET last_activity_at = last_visit_at;

-- So far: money refunded (minor units), points taken back, points spent on it that came back.
ALTER TABLE purchases
    ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
    ADD COLUMN points_back bigint NOT NULL DEFAULT 0,
    ADD COLUMN points_returned bigint NOT NULL DEFAULT 0;
ALTER TABLE purchases ADD CHECK (refunded BETWEEN 0 AND total AND points_back <= points);

-- Points on their way out: held (authorised), spent (captured), or let go (voided, expired).
-- `holds` are the lots that were held ([[lot, points], …]); `returned` came back by refunds.
CREATE TABLE redemptions (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    store text NOT NULL,
    terminal_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('authorised', 'captured', 'voided', 'expired')),
    points bigint NOT NULL CHECK (points > 0),
    value bigint NOT NULL CHECK (value >= 0),
    captured bigint NOT NULL CHECK (captured BETWEEN 0 AND points),
    returned bigint NOT NULL CHECK (returned BETWEEN 0 AND captured),
    purchase_total bigint,
    program_version integer NOT NULL,
    holds json NOT NULL,
    entry_id uuid,
    authorised_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (member_id, id)
);
CREATE INDEX redemptions_held ON redemptions (expires_at) WHERE status = 'authorised';

-- What came back of a purchase, refund by refund.
CREATE TABLE refunds (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    purchase_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    lines json,
    points_taken_back bigint NOT NULL,
    points_returned bigint NOT NULL,
    actor text NOT NULL,
    refunded_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, id)
);
CREATE INDEX refunds_of_purchase ON refunds (member_id, purchase_id);

-- Refunds of purchases that have not been processed yet, applied right after them.
CREATE TABLE waiting_refunds (
    id uuid PRIMARY KEY,
    purchase_id uuid NOT NULL,
    body json NOT NULL,
    actor text NOT NULL,
    accepted_at timestamptz NOT NULL
);
CREATE INDEX ON waiting_refunds (purchase_id);
