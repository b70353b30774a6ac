-- Who is on duty and how they are reached, what is told to whom in which order, and what was told.
CREATE TABLE contact (
    id TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    secret TEXT,
    language TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX contact_by_who ON contact (who);
CREATE TABLE roster (
    id TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    ended_at BIGINT
);
CREATE TABLE roster_override (
    id TEXT PRIMARY KEY,
    roster TEXT NOT NULL,
    begins_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX roster_override_by_end ON roster_override (roster, ends_at);
CREATE TABLE handover (
    id TEXT PRIMARY KEY,
    roster TEXT NOT NULL,
    noted_at BIGINT NOT NULL,
    by_name TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX handover_by_time ON handover (roster, noted_at);
CREATE TABLE chain (
    id TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    ended_at BIGINT
);
-- A chain at work on a group; what it is told of, to find the group again.
CREATE TABLE chain_run (
    chain TEXT NOT NULL,
    run_key TEXT NOT NULL,
    next_at BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (chain, run_key)
);
CREATE INDEX chain_run_by_next ON chain_run (next_at);
CREATE TABLE chain_member (
    subject TEXT NOT NULL,
    chain TEXT NOT NULL,
    run_key TEXT NOT NULL,
    PRIMARY KEY (subject, chain)
);
CREATE TABLE notice (
    id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    kept_until BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX notice_by_seq ON notice (seq);
CREATE TABLE notice_to (
    notice TEXT NOT NULL,
    who TEXT NOT NULL,
    seq BIGINT NOT NULL,
    read_at BIGINT,
    PRIMARY KEY (notice, who)
);
CREATE INDEX notice_to_by_who ON notice_to (who, seq);
CREATE INDEX delivery_by_subject ON delivery (subject);
-- Floods of alarms by district; what lies in none has an empty code.
CREATE TABLE storm (
    area TEXT PRIMARY KEY,
    since BIGINT NOT NULL
);
CREATE INDEX incident_by_opened ON incident (opened_at);
INSERT INTO counter (name, value) VALUES ('notice', 0);
