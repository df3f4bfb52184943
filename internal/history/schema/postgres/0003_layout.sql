-- The layout is as SQLite's from here on; PostgreSQL began with it.
SELECT 1;
