//go:build unix

// Command soak checks what docs/measuring.md says of pacer run and pacer
// compare, on the machine where it runs. It takes minutes to hours, and prints
// a line for each claim: ok or MISSED.
//
//	soak hyperfine    what is reported of /bin/true, in turn with hyperfine
//	soak truth        time and memory of a command that knows its own
//	soak ready        start-up by each way to be ready
//	soak pairs        false alarms and power of pairs, beside a noisy neighbour
//
// It wants the program pacer in PATH, or in -pacer; for hyperfine that one too.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "work" {
		work(os.Args[2], os.Args[3:])
		return
	}
	s := &soak{}
	flag.StringVar(&s.pacer, "pacer", "pacer", "the `PROGRAM` to check")
	flag.IntVar(&s.n, "n", 0, "how `MANY` executions or sessions (default: what the claim is about)")
	flag.BoolVar(&s.quiet, "quiet", false, "pairs: without a noisy neighbour")
	flag.Parse()
	checks := map[string]func() error{"hyperfine": s.hyperfine, "truth": s.truth, "ready": s.ready, "pairs": s.pairs}
	check, ok := checks[flag.Arg(0)]
	if !ok {
		fmt.Fprintln(os.Stderr, "usage: soak [flags] hyperfine | truth | ready | pairs")
		os.Exit(2)
	}
	// Every command in the foreground is interrupted along; what runs in the
	// background is ended by who started it.
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupt
		s.stop()
		os.RemoveAll(s.dir)
		os.Exit(130)
	}()
	fmt.Printf("load before: %s", first(os.ReadFile("/proc/loadavg")))
	err := s.in(check)
	fmt.Printf("load after:  %s", first(os.ReadFile("/proc/loadavg")))
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	if s.missed > 0 {
		os.Exit(1)
	}
}

func first(text []byte, _ error) []byte { return text }

// soak is one check.
type soak struct {
	pacer  string
	n      int
	quiet  bool
	self   string // this program
	dir    string // to work in
	missed int
	stop   func() // ends what runs in the background
}

// in runs a check in a folder of its own.
func (s *soak) in(check func() error) (err error) {
	s.stop = func() {}
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	if s.pacer, err = exec.LookPath(s.pacer); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "pacer-soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	return check()
}

// times is how many of something a check does.
func (s *soak) times(claim int) int {
	if s.n > 0 {
		return s.n
	}
	return claim
}

// claim prints whether a claim holds.
func (s *soak) claim(holds bool, format string, args ...any) {
	word := "ok     "
	if !holds {
		word = "MISSED "
		s.missed++
	}
	fmt.Printf(word+format+"\n", args...)
}

// metric is one metric of a document of pacer's.
type metric struct {
	Name    string    `json:"name"`
	Change  string    `json:"change"`
	Ratio   float64   `json:"ratio"`
	Samples []float64 `json:"samples"`
}

// document is what is read of a run or a verdict.
type document struct {
	Verdict string   `json:"verdict"`
	Metrics []metric `json:"metrics"`
	Pairs   struct {
		Count   int      `json:"count"`
		Main    []string `json:"main"`
		Stopped string   `json:"stopped"`
	} `json:"pairs"`
}

func (d *document) find(name string) metric {
	i := slices.IndexFunc(d.Metrics, func(m metric) bool { return m.Name == name })
	if i < 0 {
		return metric{}
	}
	return d.Metrics[i]
}

// run runs pacer and reads what it says.
func (s *soak) run(args ...string) (document, error) {
	var d document
	out, err := s.output(s.pacer, args...)
	if err == nil {
		err = json.Unmarshal(out, &d)
	}
	return d, err
}

func (s *soak) output(program string, args ...string) ([]byte, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, &stderr)
	}
	return out, nil
}

// median sorts values.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// duration prints seconds.
func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
}

var errWork = errors.New("the work was called wrongly")
