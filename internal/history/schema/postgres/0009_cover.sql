-- A series is read out of the index alone: runs come by ones and from many apps, so
-- that each point of a series is in another page of the table. What came lately is
-- looked up in the table until a vacuum has seen it, which is to come soon.
ALTER TABLE points DROP CONSTRAINT points_pkey,
  ADD PRIMARY KEY (metric, time, run) INCLUDE (trait, count, center, mean, min, max, stddev, p95, p99);
ALTER TABLE points SET (autovacuum_vacuum_insert_scale_factor = 0.02);
