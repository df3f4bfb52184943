-- Documents and environments move out of runs, so that a series of 10,000
-- points reads a few hundred pages of it. Points replace series: what hardly
-- ever changes from run to run is in traits, and the index by run is gone, for
-- a run's points are found by its metrics and its time.
CREATE TABLE environments (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE  -- JSON object, or null
) STRICT;
INSERT INTO environments (text) SELECT DISTINCT environment FROM runs;

CREATE TABLE documents (
  run      INTEGER PRIMARY KEY REFERENCES runs (seq),
  detail   INTEGER NOT NULL,  -- 0 samples, 1 histograms, 2 summaries
  document BLOB    NOT NULL   -- pacer.run/v1, zstd; of the first releases zlib
) STRICT;
INSERT INTO documents SELECT seq, 0, document FROM runs;

ALTER TABLE runs ADD COLUMN environment_id INTEGER REFERENCES environments (id);
UPDATE runs SET environment_id = (SELECT id FROM environments WHERE text = runs.environment);
ALTER TABLE runs DROP COLUMN document;
ALTER TABLE runs DROP COLUMN environment;
DROP INDEX runs_by_time;
CREATE INDEX runs_by_time ON runs (time, id);
CREATE INDEX runs_of_app ON runs (app, time, id);
CREATE INDEX runs_by_id ON runs (id COLLATE NOCASE);
CREATE INDEX runs_of_commit ON runs (commit_id COLLATE NOCASE);

CREATE TABLE traits (
  id         INTEGER PRIMARY KEY,
  better     TEXT NOT NULL,
  resolution REAL NOT NULL,
  statistic  TEXT NOT NULL,  -- that center is
  UNIQUE (better, resolution, statistic)
) STRICT;
INSERT INTO traits (better, resolution, statistic) SELECT DISTINCT better, resolution, statistic FROM series;

CREATE TABLE points (
  metric INTEGER NOT NULL REFERENCES metrics (id),
  time   INTEGER NOT NULL,  -- runs.time
  run    INTEGER NOT NULL REFERENCES runs (seq),
  trait  INTEGER NOT NULL REFERENCES traits (id),
  count  INTEGER NOT NULL,
  center REAL    NOT NULL,  -- the median, where it is known
  mean   REAL,              -- null: not known, as those that follow
  min    REAL,
  max    REAL,
  stddev REAL,
  p95    REAL,
  p99    REAL,
  PRIMARY KEY (metric, time, run)
) STRICT, WITHOUT ROWID;
INSERT INTO points
  SELECT s.metric, s.time, s.run, t.id, s.count, s.center, s.mean, s.min, s.max, s.stddev, s.p95, s.p99
  FROM series s JOIN traits t ON t.better = s.better AND t.resolution = s.resolution AND t.statistic = s.statistic;
DROP TABLE series;
