package jsonschema

// For tests.
var (
	Words = words
	Units = units
)
