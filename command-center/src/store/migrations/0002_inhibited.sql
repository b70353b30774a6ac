-- Whether others inhibit an incident: it is kept, and not shown as an alarm of its own.
ALTER TABLE incident ADD COLUMN inhibited BIGINT NOT NULL DEFAULT 0;
DROP INDEX incident_by_state;
CREATE INDEX incident_by_state ON incident (state, inhibited, change);
DROP INDEX incident_counted;
CREATE INDEX incident_counted ON incident (state, inhibited, domain, severity, acknowledged_by);
