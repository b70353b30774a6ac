-- The queue of appeals is read newest first.
CREATE INDEX appeal_by_time ON appeal (received_at, number);
