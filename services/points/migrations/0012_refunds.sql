-- Points that a refund called for; fewer were taken where the program forgives what is spent.
ALTER TABLE refunds ADD COLUMN points_due bigint NOT NULL;
ALTER TABLE refunds ADD CHECK (points_taken_back BETWEEN 0 AND points_due);
