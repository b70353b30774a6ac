-- People and machines. A session's role is a list of roles with commas since this step; areas are codes with commas,
-- none for the whole city. Secrets are kept as hashes only.
ALTER TABLE session ADD COLUMN areas TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN unit TEXT;
CREATE INDEX session_by_name ON session (name);
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    roles TEXT NOT NULL,
    areas TEXT NOT NULL,
    unit TEXT,
    password TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    areas TEXT NOT NULL,
    unit TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX token_by_secret ON token (secret_hash);
