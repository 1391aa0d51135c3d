-- How a member's rank moved, from this version on: what somebody asks about who looks at a member.
-- `direction` is up or down; a code is NULL where there is no rank.
CREATE TABLE rank_moves (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    from_code text,
    to_code text,
    direction text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (member_id, id)
);
