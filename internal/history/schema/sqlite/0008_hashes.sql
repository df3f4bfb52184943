-- SQLite's indexes hold texts of any length.
SELECT 1;
