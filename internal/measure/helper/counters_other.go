//go:build !linux

package helper

import "runtime"

// NoCounters says why there are no hardware counters here.
func NoCounters() string { return "not read on " + runtime.GOOS }
