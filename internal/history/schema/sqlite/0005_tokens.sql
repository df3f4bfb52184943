-- Who is let in. A token's secret is not here, only its hash.
CREATE TABLE tokens (
  id      TEXT    NOT NULL PRIMARY KEY,
  hash    BLOB    NOT NULL,  -- SHA-256
  name    TEXT    NOT NULL,
  app     TEXT    NOT NULL,  -- whose runs it is for; empty: any app's
  roles   TEXT    NOT NULL,  -- JSON array
  creator TEXT    NOT NULL,
  created INTEGER NOT NULL,  -- Unix nanoseconds
  expires INTEGER,           -- null: never, as those that follow
  used    INTEGER,
  revoked INTEGER
) STRICT, WITHOUT ROWID;

-- Browsers in which somebody signed in with a token.
CREATE TABLE sessions (
  hash    BLOB    NOT NULL PRIMARY KEY,  -- SHA-256 of what the browser keeps
  token   TEXT    NOT NULL REFERENCES tokens (id),
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_token ON sessions (token);
