package pacertest

// Logger is what New gives a recorder to log to.
var Logger = logger
