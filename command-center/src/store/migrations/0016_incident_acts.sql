-- What was done to each incident, in its order. An act may stand here before its incident does: a store that is lost is
-- made again from the log, acts first.
CREATE TABLE incident_act (
    incident TEXT NOT NULL,
    seq BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    act TEXT NOT NULL,
    revision BIGINT NOT NULL,
    by_name TEXT NOT NULL,
    acted_at BIGINT NOT NULL,
    note TEXT NOT NULL,
    assignee TEXT,
    PRIMARY KEY (incident, seq)
);
CREATE UNIQUE INDEX incident_act_by_event ON incident_act (event_id);
INSERT INTO incident_act (incident, seq, event_id, act, revision, by_name, acted_at, note)
    SELECT id, 1, id || '/acknowledged', 'acknowledged', revision, acknowledged_by, acknowledged_at,
        COALESCE(acknowledged_note, '')
    FROM incident WHERE acknowledged_by IS NOT NULL;
-- Windows of maintenance, by sensor, area or rule. `ends_at` is their end, also where somebody ended them before.
CREATE TABLE maintenance (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    district TEXT,
    subdistrict TEXT,
    begins_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    ended_by TEXT,
    end_reason TEXT
);
CREATE INDEX maintenance_by_end ON maintenance (ended_by, ends_at);
CREATE INDEX maintenance_by_target ON maintenance (kind, target, ends_at);
ALTER TABLE incident ADD COLUMN maintenance TEXT;
CREATE INDEX incident_set_aside ON incident (state, aside);
