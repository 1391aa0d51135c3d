-- Figures of the shop by the hour, kept so that a report need not add up years of rows. All of it
-- follows from the rows of other tables and can be made again; nobody who awards writes here. An
-- hour is one of the shop's time zone (`figures_state.zone`), named by its first moment.

-- What happened at the tills: purchases by when they occurred, refunds and points used by when they
-- were booked. `visits` leaves out purchases that were refunded whole. `issued`: by purchases, and
-- service points of the store.
CREATE TABLE hour_sales (
    hour timestamptz NOT NULL,
    store text NOT NULL,
    purchases bigint NOT NULL,
    gross bigint NOT NULL,
    visits bigint NOT NULL,
    refunds bigint NOT NULL,
    refunded bigint NOT NULL,
    issued bigint NOT NULL,
    used bigint NOT NULL,
    returned bigint NOT NULL,
    taken_back bigint NOT NULL,
    PRIMARY KEY (hour, store)
);

-- What the ledger booked, whoever did it; `total` is the sum of all entries, and more than the other
-- columns only where a kind of entry has none. `owed` is what the shop owes after the hour. Hours
-- without entries have no row.
CREATE TABLE hour_points (
    hour timestamptz PRIMARY KEY,
    issued bigint NOT NULL,
    adjusted bigint NOT NULL,
    used bigint NOT NULL,
    returned bigint NOT NULL,
    expired bigint NOT NULL,
    taken_back bigint NOT NULL,
    total bigint NOT NULL,
    owed bigint NOT NULL
);

-- Who joined, by the route on which they came ('': none). Who was merged into another is not counted.
CREATE TABLE hour_joins (
    hour timestamptz NOT NULL,
    route text NOT NULL,
    members bigint NOT NULL,
    PRIMARY KEY (hour, route)
);

-- One row. Hours before `kept_until` are kept; what was booked later than
-- `looked_at` (members: after `after_member`) may concern one of them.
CREATE TABLE figures_state (
    single boolean PRIMARY KEY CHECK (single),
    zone text NOT NULL,
    kept_until timestamptz NOT NULL,
    looked_at timestamptz NOT NULL,
    after_member uuid NOT NULL
);

-- Rows come in order of these moments: such an index costs an award nearly nothing. Without
-- autosummarize what came since the last vacuum would be read whole, each time.
CREATE INDEX entries_recorded ON entries USING brin (recorded_at)
    WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX refunds_refunded ON refunds USING brin (refunded_at)
    WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX members_joined ON members (joined_at);
ALTER INDEX purchases_occurred SET (autosummarize = on);
ALTER INDEX entries_occurred SET (autosummarize = on);
