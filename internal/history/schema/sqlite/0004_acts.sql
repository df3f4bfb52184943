-- What was done about alerts: a log that only grows. States are derived.
CREATE TABLE acts (
  seq   INTEGER PRIMARY KEY,
  alert TEXT    NOT NULL,
  n     INTEGER NOT NULL,  -- 1, 2, ... among those of the alert
  app   TEXT    NOT NULL,
  act   TEXT    NOT NULL,  -- JSON object
  UNIQUE (alert, n)
) STRICT;
CREATE INDEX acts_of_app ON acts (app, seq);

-- Who changed what: a log that only grows.
CREATE TABLE audit (
  id     TEXT    NOT NULL PRIMARY KEY,  -- a ULID
  time   INTEGER NOT NULL,              -- Unix nanoseconds
  actor  TEXT    NOT NULL,
  action TEXT    NOT NULL,
  app    TEXT    NOT NULL,
  entry  TEXT    NOT NULL               -- JSON object
) STRICT, WITHOUT ROWID;

-- Work that is done once, by whoever leases it first.
CREATE TABLE jobs (
  seq      INTEGER PRIMARY KEY,
  kind     TEXT    NOT NULL,
  key      TEXT    NOT NULL,
  payload  BLOB,
  state    INTEGER NOT NULL,  -- 0 waiting or leased, 1 done, 2 given up
  enqueued INTEGER NOT NULL,  -- Unix nanoseconds
  free     INTEGER NOT NULL,  -- when it may be leased: the end of a lease
  worker   TEXT    NOT NULL,
  lease    INTEGER NOT NULL,  -- grows with each lease
  attempts INTEGER NOT NULL,
  reason   TEXT    NOT NULL,
  result   BLOB,
  UNIQUE (kind, key)
) STRICT;
CREATE INDEX jobs_waiting ON jobs (kind, free) WHERE state = 0;
CREATE INDEX jobs_by_key ON jobs (key);
