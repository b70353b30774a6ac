-- Appeals of citizens: each as the fold of its steps. Who said it stands apart, is on no bus, and is forgotten in time.
-- The point of a case, to find what is near; that of a case of before is there after its next step.
ALTER TABLE city_case ADD COLUMN lon DOUBLE PRECISION;
ALTER TABLE city_case ADD COLUMN lat DOUBLE PRECISION;
CREATE INDEX case_by_lat ON city_case (is_open, lat);
CREATE TABLE appeal (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    version BIGINT NOT NULL,
    case_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    class TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX appeal_by_number ON appeal (number);
CREATE INDEX appeal_by_case ON appeal (case_id);
CREATE INDEX appeal_by_channel ON appeal (channel, received_at);
CREATE TABLE reporter (
    appeal TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    kept_until BIGINT NOT NULL
);
CREATE INDEX reporter_by_end ON reporter (kept_until);
-- Lines of the hotline's lists that could not be taken, whole, with the reason.
CREATE TABLE refused_line (
    id TEXT PRIMARY KEY,
    refused_at BIGINT NOT NULL,
    by_name TEXT NOT NULL,
    line BIGINT NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL,
    kept_until BIGINT NOT NULL
);
CREATE INDEX refused_line_by_end ON refused_line (kept_until);
