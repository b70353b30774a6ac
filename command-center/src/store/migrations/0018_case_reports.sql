-- Cases of a stretch of time, for what is counted over it.
CREATE INDEX case_by_report ON city_case (reported_at);
