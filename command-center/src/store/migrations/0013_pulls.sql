-- How far other Open311 servers are asked for their requests, and how that went last.
CREATE TABLE open311_pull (
    url TEXT PRIMARY KEY,
    until BIGINT NOT NULL,
    pulled_at BIGINT,
    failed_at BIGINT,
    error TEXT
);
-- What an appeal is called where it came from: what came from another server is not served again.
ALTER TABLE appeal ADD COLUMN reference TEXT;
