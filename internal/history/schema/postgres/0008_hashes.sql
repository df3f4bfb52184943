-- Texts that may be longer than an entry of an index are told apart by their
-- SHA-256.
ALTER TABLE environments ADD COLUMN hash bytea;
UPDATE environments SET hash = sha256(convert_to(text, 'UTF8'));
ALTER TABLE environments DROP CONSTRAINT environments_text_key, ADD UNIQUE (hash);
ALTER TABLE baselines ADD COLUMN hash bytea;  -- of labels
UPDATE baselines SET hash = sha256(convert_to(labels, 'UTF8'));
ALTER TABLE baselines DROP CONSTRAINT baselines_pkey, ADD PRIMARY KEY (app, hash);
