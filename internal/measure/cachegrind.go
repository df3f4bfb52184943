package measure

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pacer-perf/pacer/internal/measure/helper"
)

// NoCounters says why the processor's counters are not read here, "" if they
// are.
func NoCounters() string { return helper.NoCounters() }

// slowness is how many times longer a command may take under valgrind.
const slowness = 100

// count runs a command under cachegrind, which executes it on a simulated
// processor: its times and its memory say nothing. The instructions of all its
// processes are added up.
func (r *Runner) count(ctx context.Context, c Command) (Result, error) {
	dir, err := os.MkdirTemp("", "pacer-count-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	program := c.Args[0]
	c.Args = append([]string{"valgrind", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no", "--trace-children=yes", "--vgdb=no", "-q",
		"--log-file=" + filepath.Join(dir, "log.%p"), "--cachegrind-out-file=" + filepath.Join(dir, "out.%p"), "--"}, c.Args...)
	c.Env = append(slices.Clip(c.Env), "PACER_EXPORT=")
	c.Timeout *= slowness
	c.quit, c.Grace = c.Grace, c.Grace*slowness
	result, err := r.Run(ctx, c)
	if err != nil || result.Late || c.Ready != nil && result.Startup == 0 {
		return result, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "out.*"))
	if result.Failure != "" && len(files) == 0 {
		return result, nil // it failed before there was anything to count
	}
	result.Instructions = 0
	if err != nil || len(files) == 0 {
		return result, fmt.Errorf("valgrind counted nothing of %s: it counts what ends by itself, or when it is asked to", program)
	}
	for _, file := range files {
		n, err := instructions(file)
		if err != nil {
			return result, err
		}
		result.Instructions += n
	}
	return result, nil
}

// instructions reads the sum of the event Ir from a file of cachegrind's:
//
//	events: Ir
//	...
//	summary: 90524124
func instructions(file string) (int64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	at := -1
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		fields := bytes.Fields(value)
		switch string(key) {
		case "events":
			for i, f := range fields {
				if string(f) == "Ir" {
					at = i
				}
			}
		case "summary":
			if at >= 0 && at < len(fields) {
				return strconv.ParseInt(string(fields[at]), 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("%s: no count of instructions: valgrind was ended too early?", filepath.Base(file))
}
