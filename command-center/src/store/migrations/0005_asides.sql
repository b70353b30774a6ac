-- Alarms that were set aside, by rule and what it is about: shelved for a time, suppressed, or out of service. Incidents
-- carry the kind while it holds, and who sees to them.
CREATE TABLE aside (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    district TEXT,
    subdistrict TEXT,
    until BIGINT,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT
);
CREATE INDEX aside_by_subject ON aside (rule, subject, ended_at);
CREATE INDEX aside_by_end ON aside (ended_at, until);
ALTER TABLE incident ADD COLUMN aside TEXT;
ALTER TABLE incident ADD COLUMN assignee TEXT;
