-- The id of every run, once in the whole store: partitions know only their own.
CREATE TABLE run_ids (
  id     text   COLLATE "C" PRIMARY KEY,
  seq    bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  time   bigint NOT NULL,  -- runs.time
  digest bytea  NOT NULL   -- SHA-256 of the document as it was appended
);

CREATE TABLE environments (
  id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text text    COLLATE "C" NOT NULL UNIQUE  -- JSON object, or null
);

-- A run is kept whole, as the compressed document; beside it stand the columns
-- that queries need. A partition is a month (UTC); runs of months that are far
-- from the present are in runs_other.
CREATE TABLE runs (
  seq         bigint   NOT NULL,
  id          text     COLLATE "C" NOT NULL,
  app         text     COLLATE "C" NOT NULL,
  version     text     COLLATE "C" NOT NULL,
  commit_id   text     COLLATE "C" NOT NULL,
  branch      text     COLLATE "C" NOT NULL,
  dirty       boolean  NOT NULL,
  time        bigint   NOT NULL,     -- Unix nanoseconds: the run's, else when it was appended
  timed       boolean  NOT NULL,     -- the time is the run's
  labels      text     COLLATE "C" NOT NULL,     -- JSON object
  environment integer  NOT NULL,     -- environments.id
  detail      smallint NOT NULL,     -- 0 samples, 1 histograms, 2 summaries
  document    bytea    NOT NULL,     -- pacer.run/v1, zstd
  PRIMARY KEY (time, seq)
) PARTITION BY RANGE (time);
ALTER TABLE runs ALTER COLUMN document SET STORAGE EXTERNAL; -- it is compressed
CREATE INDEX runs_by_time ON runs (time, id);
CREATE INDEX runs_of_app ON runs (app, time, id);
CREATE INDEX runs_by_id ON runs (lower(id));
CREATE INDEX runs_of_commit ON runs (lower(commit_id));
CREATE TABLE runs_other PARTITION OF runs DEFAULT;

-- The baseline that was set for an app and the labels of its runs.
CREATE TABLE baselines (
  app    text   COLLATE "C" NOT NULL,
  labels text   COLLATE "C" NOT NULL,
  run    bigint NOT NULL REFERENCES run_ids (seq),
  PRIMARY KEY (app, labels)
);
CREATE INDEX baselines_by_run ON baselines (run);
