-- Texts that may be longer than an entry of an index are told apart by their
-- SHA-256. An earlier program that is still running knows nothing of them: what it
-- would add is refused rather than kept twice.
ALTER TABLE environments ADD COLUMN hash bytea;
UPDATE environments SET hash = sha256(convert_to(text, 'UTF8'));
ALTER TABLE environments ALTER COLUMN hash SET NOT NULL, DROP CONSTRAINT environments_text_key, ADD UNIQUE (hash);
ALTER TABLE baselines ADD COLUMN hash bytea;  -- of labels
UPDATE baselines SET hash = sha256(convert_to(labels, 'UTF8'));
ALTER TABLE baselines DROP CONSTRAINT baselines_pkey, ADD PRIMARY KEY (app, hash);
