// Package helper makes any program that imports it able to start a command
// from a process that is small.
//
// The kernel hands a child's peak memory (ru_maxrss) the size that its parent
// had at the fork. Package measure therefore executes its own program anew
// with Variable set; this package's init then does nothing but start the
// command, wait, and report, before the rest of the program has been
// initialised. What a child uses below the helper's own few megabytes cannot
// be seen.
package helper

// Variable is the environment variable that makes a program the helper. Its
// arguments are the path of the command and the command's argv; it reports on
// file descriptor 3, in one line: exit status, signal, wall time in
// nanoseconds, CPU time in nanoseconds, peak memory in bytes, the least peak
// memory that can be told in bytes; or "error" and why the command could not
// be started or watched to its end.
const Variable = "PACER_MEASURE_HELPER"
