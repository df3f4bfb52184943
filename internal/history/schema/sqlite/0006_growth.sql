-- For histories that grow: what is asked of one app walks along an index,
-- however many runs the app and the store have.
CREATE INDEX runs_of_version ON runs (app, version, time, id);
CREATE INDEX runs_of_branch ON runs (app, branch, time, id);
CREATE INDEX baselines_by_run ON baselines (run);
CREATE INDEX metrics_by_key ON metrics (key, app);
CREATE INDEX audit_of_app ON audit (app, id);
-- 10 is history.MaxAttempts.
CREATE INDEX jobs_worn ON jobs (kind, free) WHERE state = 0 AND attempts >= 10;
-- How often runs were deleted, in one row: with the number of the newest run it
-- tells whether runs came or went.
CREATE TABLE deletions (n INTEGER NOT NULL) STRICT;
INSERT INTO deletions VALUES (0);
