-- Who is let in. A token's secret is not here, only its hash.
CREATE TABLE tokens (
  id      text   COLLATE "C" PRIMARY KEY,
  hash    bytea  NOT NULL,              -- SHA-256
  name    text   NOT NULL,
  app     text   COLLATE "C" NOT NULL,  -- whose runs it is for; empty: any app's
  roles   text   NOT NULL,              -- JSON array
  creator text   NOT NULL,
  created bigint NOT NULL,              -- Unix nanoseconds
  expires bigint,                       -- null: never, as those that follow
  used    bigint,
  revoked bigint
);

-- Browsers in which somebody signed in with a token.
CREATE TABLE sessions (
  hash    bytea  PRIMARY KEY,  -- SHA-256 of what the browser keeps
  token   text   COLLATE "C" NOT NULL REFERENCES tokens (id),
  created bigint NOT NULL,
  expires bigint NOT NULL
);
CREATE INDEX sessions_of_token ON sessions (token);
