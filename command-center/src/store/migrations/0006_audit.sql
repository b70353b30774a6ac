-- What people and machines did, each entry bound to the one before it by its hash.
CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    by_name TEXT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL
);
