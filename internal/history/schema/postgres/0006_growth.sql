-- For histories that grow: what is asked of one app walks along an index,
-- however many runs the app and the store have. What may be longer than an
-- entry of an index is in it with its beginning.
CREATE INDEX runs_of_version ON runs (app, left(version, 100), time, id);
CREATE INDEX runs_of_branch ON runs (app, left(branch, 100), time, id);
CREATE INDEX metrics_by_key ON metrics (left(key, 100), app);
CREATE INDEX audit_of_app ON audit (app, id);
-- 10 is history.MaxAttempts.
CREATE INDEX jobs_worn ON jobs (kind, free) WHERE state = 0 AND attempts >= 10;
-- How often runs were deleted, in one row: with the numbers of the newest runs it
-- tells whether runs came or went.
CREATE TABLE deletions (n bigint NOT NULL);
INSERT INTO deletions VALUES (0);
