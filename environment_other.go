//go:build !linux && !darwin && !windows

package pacer

import "github.com/pacer-perf/pacer/run"

func describeMachine(*run.Environment) {}
