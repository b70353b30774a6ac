-- Who is told by webhook what happens, what is on its way to whom, and how that went. A secret is kept as it is, since
-- messages are signed with it.
CREATE TABLE subscription (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    form TEXT NOT NULL,
    domains TEXT NOT NULL,
    areas TEXT NOT NULL,
    severity BIGINT NOT NULL,
    classes TEXT NOT NULL,
    secret TEXT NOT NULL,
    secret_before TEXT,
    secret_before_until BIGINT,
    token_hash TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX subscription_by_end ON subscription (ended_at, created_at);
-- The open incidents that a subscription was told of.
CREATE TABLE subscription_told (
    subscription TEXT NOT NULL,
    incident TEXT NOT NULL,
    PRIMARY KEY (subscription, incident)
);
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    first_at BIGINT,
    tried_at BIGINT,
    status BIGINT,
    error TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX delivery_by_target ON delivery (target, is_open, seq);
CREATE INDEX delivery_by_next ON delivery (target, is_open, next_at);
CREATE INDEX delivery_by_age ON delivery (is_open, created_at);
-- One row a target: how many of its deliveries are open, when it is looked at next, and how often it failed in a row.
CREATE TABLE delivery_queue (
    target TEXT PRIMARY KEY,
    waiting BIGINT NOT NULL,
    next_at BIGINT,
    failures BIGINT NOT NULL
);
CREATE INDEX delivery_queue_by_next ON delivery_queue (next_at);
INSERT INTO counter (name, value) VALUES ('delivery', 0);
