-- A run is kept whole, as the compressed document; beside it stand the columns
-- that queries need.
CREATE TABLE runs (
  seq         INTEGER PRIMARY KEY,  -- the order in which runs were appended
  id          TEXT    NOT NULL UNIQUE,
  app         TEXT    NOT NULL,
  version     TEXT    NOT NULL,
  commit_id   TEXT    NOT NULL,
  branch      TEXT    NOT NULL,
  dirty       INTEGER NOT NULL,
  time        INTEGER NOT NULL,     -- Unix nanoseconds: the run's, else when it was appended
  timed       INTEGER NOT NULL,     -- 1 if the time is the run's
  labels      TEXT    NOT NULL,     -- JSON object
  environment TEXT    NOT NULL,     -- JSON object, or null
  digest      BLOB    NOT NULL,     -- SHA-256 of the document
  document    BLOB    NOT NULL      -- pacer.run/v1, zlib
) STRICT;

CREATE INDEX runs_by_time ON runs (app, time DESC, seq DESC);

-- The baseline that was set for an app and the labels of its runs.
CREATE TABLE baselines (
  app    TEXT    NOT NULL,
  labels TEXT    NOT NULL,
  run    INTEGER NOT NULL REFERENCES runs (seq),
  PRIMARY KEY (app, labels)
) STRICT;
