-- What a metric is, once for an app and the labels of its runs, so that a
-- series need not repeat it.
CREATE TABLE metrics (
  id         INTEGER PRIMARY KEY,
  app        TEXT NOT NULL,
  run_labels TEXT NOT NULL,  -- as runs.labels
  key        TEXT NOT NULL,  -- name and labels in one: table.filter{rows=1000}
  unit       TEXT NOT NULL,
  name       TEXT NOT NULL,
  labels     TEXT NOT NULL,  -- JSON object
  UNIQUE (app, run_labels, key, unit)
) STRICT;

-- One row for each run and metric that has a center: the points of a series lie
-- side by side, in the order of time. The application fills it for the runs
-- that are there already.
CREATE TABLE series (
  metric     INTEGER NOT NULL REFERENCES metrics (id),
  time       INTEGER NOT NULL,  -- runs.time
  run        INTEGER NOT NULL REFERENCES runs (seq),
  better     TEXT    NOT NULL,
  resolution REAL    NOT NULL,
  count      INTEGER NOT NULL,
  statistic  TEXT    NOT NULL,  -- that center is
  center     REAL    NOT NULL,
  mean       REAL,              -- null: not known, as those that follow
  min        REAL,
  max        REAL,
  stddev     REAL,
  p50        REAL,
  p95        REAL,
  p99        REAL,
  PRIMARY KEY (metric, time, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX series_by_run ON series (run);
