-- All deliveries of a broadcast have one event, but while none is going out the statistics say that
-- an event has one delivery. Plans made then found each delivery of a broadcast by its event, reading
-- all the others on the way. A delivery is found by its person; the planner is told so.
ALTER TABLE deliveries ALTER COLUMN event_id SET (n_distinct = -0.01);
ANALYZE deliveries (event_id);
