-- Steps about cases that are not the city's to do, so that a month's can be counted without reading all steps.
-- what: put, upheld, sent_back, asked_again
CREATE TABLE outside_step (
    case_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    class TEXT NOT NULL,
    district TEXT,
    subdistrict TEXT,
    PRIMARY KEY (case_id, version)
);
CREATE INDEX outside_step_by_time ON outside_step (at);
-- What a client of Open311 tells of its user beside name and telephone.
ALTER TABLE reporter ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE reporter ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE reporter ADD COLUMN account TEXT NOT NULL DEFAULT '';
