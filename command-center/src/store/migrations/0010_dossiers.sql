-- Dossiers: interviews and objections of units, panels and mediations; each as the fold of its steps, and the steps as they
-- stand on the bus. `about` is what it is about, where there may be only one.
CREATE TABLE dossier (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    unit TEXT,
    case_id TEXT,
    about TEXT,
    district TEXT,
    subdistrict TEXT,
    began_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX dossier_by_number ON dossier (kind, number);
CREATE INDEX dossier_by_time ON dossier (kind, began_at);
CREATE INDEX dossier_by_case ON dossier (case_id);
CREATE INDEX dossier_by_about ON dossier (kind, about);
CREATE TABLE dossier_step (
    dossier TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (dossier, version)
);
-- Who sits on a panel, and who the parties of a dispute are: in clear, on no bus, and forgotten in time.
CREATE TABLE dossier_person (
    dossier TEXT NOT NULL,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    kept_until BIGINT NOT NULL,
    PRIMARY KEY (dossier, place)
);
CREATE INDEX dossier_person_by_end ON dossier_person (kept_until);
