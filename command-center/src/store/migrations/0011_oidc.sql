-- Who somebody is at the identity provider: the account that they come to. A name there may change hands, a subject does
-- not.
CREATE TABLE identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
