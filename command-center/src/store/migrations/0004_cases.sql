-- Cases: the fold of their steps, with what is searched for in columns of its own; the steps as they stand on the bus.
CREATE TABLE city_case (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    is_late BIGINT NOT NULL,
    class TEXT NOT NULL,
    severity BIGINT NOT NULL,
    unit TEXT,
    district TEXT,
    subdistrict TEXT,
    parent TEXT,
    reported_at BIGINT NOT NULL,
    due_at BIGINT,
    next_at BIGINT,
    change BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX case_by_number ON city_case (number);
CREATE UNIQUE INDEX case_by_change ON city_case (change);
CREATE INDEX case_by_open ON city_case (is_open, change);
CREATE INDEX case_by_unit ON city_case (unit, is_open, change);
CREATE INDEX case_by_subdistrict ON city_case (subdistrict, is_open, change);
CREATE INDEX case_by_next ON city_case (next_at);
CREATE TABLE case_step (
    case_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (case_id, version)
);
CREATE TABLE case_incident (
    incident TEXT PRIMARY KEY,
    case_id TEXT NOT NULL
);
CREATE INDEX incident_by_case ON case_incident (case_id);
CREATE TABLE case_evidence (
    case_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (case_id, hash)
);
