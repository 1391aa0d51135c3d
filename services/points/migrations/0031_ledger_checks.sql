-- The whole ledger, checked each night in pages that are resumed after a crash, or by an operator at
-- once. `id` is the night's; `parts` counts the checks of the ledger as a whole that are done;
-- `findings` are the first of the `differences`.
CREATE TABLE ledger_checks (
    id uuid PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    parts integer NOT NULL,
    after_member uuid NOT NULL,
    members bigint NOT NULL,
    entries bigint NOT NULL,
    differences bigint NOT NULL,
    findings jsonb NOT NULL,
    finished_at timestamptz
);
