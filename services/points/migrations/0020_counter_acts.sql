-- What staff did at the counter, for the day's list and for undoing it. Words, money and points stand
-- in what the act made (purchase, redemption, entry); an act without points has them there.
-- `purchase_id` of a refund is what was refunded, `redemption_id` of a purchase what was spent on it.
-- `named_by`: how the member was named (qr, card, phone, id …).
CREATE TABLE counter_acts (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('purchase', 'visit', 'service', 'redemption', 'refund')),
    store text NOT NULL,
    actor text NOT NULL,
    actor_id uuid NOT NULL,
    named_by text NOT NULL,
    purchase_id uuid,
    redemption_id uuid,
    entry_id uuid,
    amount bigint,
    points bigint,
    used bigint,
    happened_at timestamptz NOT NULL,
    acted_at timestamptz NOT NULL,
    undone_at timestamptz,
    undone_by text,
    undone_as uuid,
    PRIMARY KEY (member_id, id),
    CHECK ((undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_as IS NULL))
);
CREATE INDEX counter_acts_of_store ON counter_acts (store, acted_at, id);
CREATE INDEX counter_acts_of_actor ON counter_acts (actor_id, acted_at);
CREATE INDEX counter_acts_acted ON counter_acts USING brin (acted_at);

-- An act at a counter spends the code that it was done with: it opens no second one.
ALTER TABLE qr_uses ADD COLUMN spent_by uuid;
