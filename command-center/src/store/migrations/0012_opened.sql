-- What is counted over a stretch of time is looked for by when it opened.
CREATE INDEX incident_by_opening ON incident (opened_at);
