-- From this version on documents may have their samples beside the text, which
-- earlier programs cannot read: they refuse the store. Nothing changes in it.
SELECT 1;
