-- What was done about alerts: a log that only grows. States are derived.
CREATE TABLE acts (
  seq   bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alert text    COLLATE "C" NOT NULL,
  n     integer NOT NULL,  -- 1, 2, ... among those of the alert
  app   text    COLLATE "C" NOT NULL,
  act   text    NOT NULL,  -- JSON object
  UNIQUE (alert, n)
);
CREATE INDEX acts_of_app ON acts (app, seq);

-- Who changed what: a log that only grows.
CREATE TABLE audit (
  id     text   COLLATE "C" PRIMARY KEY,  -- a ULID
  time   bigint NOT NULL,                 -- Unix nanoseconds
  actor  text   COLLATE "C" NOT NULL,
  action text   COLLATE "C" NOT NULL,
  app    text   COLLATE "C" NOT NULL,
  entry  text   NOT NULL                  -- JSON object
);

-- Work that is done once, by whoever leases it first.
CREATE TABLE jobs (
  seq      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind     text        COLLATE "C" NOT NULL,
  key      text        COLLATE "C" NOT NULL,
  payload  bytea,
  state    smallint    NOT NULL,  -- 0 waiting or leased, 1 done, 2 given up
  enqueued timestamptz NOT NULL,
  free     timestamptz NOT NULL,  -- when it may be leased: the end of a lease
  worker   text        NOT NULL,
  lease    bigint      NOT NULL,  -- grows with each lease
  attempts integer     NOT NULL,
  reason   text        NOT NULL,
  result   bytea,
  UNIQUE (kind, key)
);
CREATE INDEX jobs_waiting ON jobs (kind, free, seq) WHERE state = 0;
CREATE INDEX jobs_by_key ON jobs (key);
