-- What somebody has said by WeChat and not yet where: one row a sender, who is a keyed hash. Emptied when it is taken in,
-- and forgotten within hours.
CREATE TABLE wechat_text (
    sender TEXT PRIMARY KEY,
    message TEXT NOT NULL,
    body TEXT NOT NULL,
    said_at BIGINT NOT NULL
);
CREATE INDEX wechat_text_by_age ON wechat_text (said_at);
