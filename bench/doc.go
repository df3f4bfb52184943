// Package bench compares what it costs to record one latency with Pacer and
// with the libraries that are commonly used for it. It holds tests and
// benchmarks only, in a module of its own, so that who imports Pacer never
// sees the libraries.
//
// All recorders are driven alike: through one func value each, with the same
// sequence of durations, warmed up, labels bound beforehand where the library
// can. The figures, and how to make them again, are in docs/overhead.md.
//
// Beside that it holds pacer compare against benchstat, over benchstat's own
// example files.
package bench
