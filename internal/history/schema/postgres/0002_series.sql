-- What a metric is, once for an app and the labels of its runs.
CREATE TABLE metrics (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash       bytea NOT NULL UNIQUE,      -- SHA-256 of the four that follow, which may be longer than an entry of an index
  app        text COLLATE "C" NOT NULL,
  run_labels text COLLATE "C" NOT NULL,  -- as runs.labels
  key        text COLLATE "C" NOT NULL,  -- name and labels in one: table.filter{rows=1000}
  unit       text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  labels     text COLLATE "C" NOT NULL   -- JSON object
);
CREATE INDEX metrics_of_app ON metrics (app);

-- What hardly ever changes of a metric from run to run.
CREATE TABLE traits (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  better     text             COLLATE "C" NOT NULL,
  resolution double precision NOT NULL,
  statistic  text             COLLATE "C" NOT NULL,  -- that center is
  UNIQUE (better, resolution, statistic)
);

-- One row for each run and metric that has a center: the points of a series
-- are found side by side, in the order of time.
CREATE TABLE points (
  metric bigint  NOT NULL,           -- metrics.id
  time   bigint  NOT NULL,           -- runs.time
  run    bigint  NOT NULL,           -- runs.seq
  trait  integer NOT NULL,           -- traits.id
  count  bigint  NOT NULL,
  center double precision NOT NULL,  -- the median, where it is known
  mean   double precision,           -- null: not known, as those that follow
  min    double precision,
  max    double precision,
  stddev double precision,
  p95    double precision,
  p99    double precision,
  PRIMARY KEY (metric, time, run)
);
CREATE INDEX points_by_run ON points (run);
