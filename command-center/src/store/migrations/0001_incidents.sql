-- Statements here are those that SQLite and PostgreSQL both take: BIGINT, TEXT, no serial columns.
CREATE TABLE consumed (
    reader TEXT NOT NULL,
    topic TEXT NOT NULL,
    part BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (reader, topic, part)
);
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('change', 0), ('outbox', 0);
CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    domain TEXT NOT NULL,
    severity BIGINT NOT NULL,
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    cleared_at BIGINT,
    message TEXT,
    stale BIGINT NOT NULL,
    district TEXT,
    subdistrict TEXT,
    acknowledged_by TEXT,
    acknowledged_at BIGINT,
    acknowledged_note TEXT,
    change BIGINT NOT NULL
);
CREATE UNIQUE INDEX incident_by_change ON incident (change);
CREATE INDEX incident_by_state ON incident (state, change);
CREATE INDEX incident_counted ON incident (state, domain, severity, acknowledged_by);
CREATE INDEX incident_by_subject ON incident (subject, state);
CREATE TABLE transition (
    incident TEXT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident, revision)
);
CREATE TABLE outbox (
    seq BIGINT PRIMARY KEY,
    topic TEXT NOT NULL,
    record_key TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE session (
    token_hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE sign_in_code (
    code_hash TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
