-- People who work at the shop. `stores` NULL: all. `totp_since` NULL: the secret
-- waits for its first code; `totp_step` is the last 30 seconds whose code was used.
CREATE TABLE staff (
    id uuid PRIMARY KEY,
    login text UNIQUE,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'manager', 'staff', 'viewer')),
    stores text[],
    active boolean NOT NULL,
    password_hash text,
    line_user_id text UNIQUE,
    pin_hash text,
    totp_secret bytea,
    totp_step bigint NOT NULL DEFAULT 0,
    totp_since timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (login = lower(login)),
    CHECK (stores IS NULL OR role <> 'owner')
);

-- One-time codes for whoever has lost the device; SHA-256, each of 80 random bits.
CREATE TABLE staff_recovery_codes (
    staff_id uuid NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    code_hash text NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (staff_id, code_hash)
);

-- Who is signed in where. The cookie's secret is kept as its SHA-256; `way` is how they came in
-- (password, line, pin, invitation), `shift_since` when somebody last signed in on that device.
CREATE TABLE staff_sessions (
    id uuid PRIMARY KEY,
    secret_hash text NOT NULL UNIQUE,
    staff_id uuid NOT NULL REFERENCES staff (id),
    store text,
    way text NOT NULL CHECK (way IN ('password', 'line', 'pin', 'invitation')),
    device text NOT NULL,
    shift_since timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX staff_sessions_of ON staff_sessions (staff_id) WHERE ended_at IS NULL;
CREATE INDEX staff_sessions_renewed ON staff_sessions (renewed_at);

-- Links that let somebody in once, with the role and stores that whoever made them decided.
CREATE TABLE staff_invitations (
    id uuid PRIMARY KEY,
    code_hash text NOT NULL UNIQUE,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'manager', 'staff', 'viewer')),
    stores text[],
    invited_by uuid REFERENCES staff (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid REFERENCES staff (id),
    withdrawn_at timestamptz
);
CREATE INDEX staff_invitations_expire ON staff_invitations (expires_at);

-- Wrong passwords, codes and PINs, by a keyed hash of the account or the address.
CREATE TABLE staff_attempts (
    who text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX staff_attempts_of ON staff_attempts (who, at);
CREATE INDEX staff_attempts_at ON staff_attempts (at);

-- Sessions that were ended before their token ran out.
CREATE TABLE ended_sessions (
    session_id uuid PRIMARY KEY,
    ended_at timestamptz NOT NULL
);

-- What people who were signed in changed, in any service; the id is the event's.
CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    staff_id uuid NOT NULL,
    session_id uuid NOT NULL,
    role text NOT NULL,
    service text NOT NULL,
    act text NOT NULL,
    target text,
    store text,
    before jsonb,
    after jsonb
);
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_staff ON audit_log (staff_id, at, id);
CREATE INDEX audit_log_target ON audit_log (target, at, id);
