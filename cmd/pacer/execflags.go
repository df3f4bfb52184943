package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/measure"
)

// execFlags say how a command is executed and what its runs are called: the
// flags that run and compare share.
type execFlags struct {
	app, version, branch      string
	labels                    []string
	dir, stdin, output        string
	env                       []string
	prepare, cleanup, count   string
	warmup                    int
	timeout, grace            time.Duration
	shell, show, allowFailure bool
	line, http, tcp, file     string
	sdk                       bool
	afterReady                string
	shellStart                measure.Start
	files                     []*os.File
}

func (x *execFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&x.version, "version", "", "`VERSION` of the app (default: its own word)")
	f.StringVar(&x.branch, "branch", "", "`BRANCH` that the run is of (default: what git or the CI system says)")
	f.StringArrayVar(&x.labels, "label", nil, "label `KEY=VALUE` of the run; may be given again")
	f.IntVar(&x.warmup, "warmup", 0, "how many `TIMES` to execute it before that, unmeasured")
	f.StringVar(&x.prepare, "prepare", "", "shell `COMMAND` before each execution, unmeasured")
	f.StringVar(&x.cleanup, "cleanup", "", "shell `COMMAND` after each execution, unmeasured")
	f.BoolVar(&x.shell, "shell", false, "let the shell run it; what the shell takes to start is taken off")
	f.StringVar(&x.dir, "dir", "", "`FOLDER` to run it in")
	f.StringArrayVar(&x.env, "env", nil, "variable `NAME=VALUE` of its environment; may be given again")
	f.StringVar(&x.stdin, "stdin", "", "`FILE` that is its standard input, or - for that of pacer; read once, where it is a pipe (default: nothing to read)")
	f.StringVar(&x.output, "save-output", "", "`FILE` that takes its output, or null (default: read, and shown if it fails)")
	f.BoolVar(&x.show, "show-output", false, "pass its output on to standard error")
	f.DurationVar(&x.timeout, "timeout", 0, "`TIME` after which it is ended with all that it started, and so are --prepare and --cleanup; with --after-ready wait, unless it is ready by then (default: never; 1m with --ready-... otherwise)")
	f.DurationVar(&x.grace, "grace", 2*time.Second, "`TIME` to stop in before it is killed")
	f.BoolVar(&x.allowFailure, "allow-failure", false, "keep the run even if the command fails")
	f.StringVar(&x.count, "count", "", "count instructions: by the processor, or each execution a second time by valgrind (`instructions`)")
	f.StringVar(&x.line, "ready-line", "", "start-up ends with a line of output that matches `REGEX`")
	f.StringVar(&x.http, "ready-http", "", "start-up ends when a GET of `URL` is answered with 2xx")
	f.StringVar(&x.tcp, "ready-tcp", "", "start-up ends when `HOST:PORT`, or unix:PATH, takes a connection")
	f.StringVar(&x.file, "ready-file", "", "start-up ends when `FILE` is there")
	f.BoolVar(&x.sdk, "ready-sdk", false, "start-up ends when the app calls the SDK's Ready")
	f.StringVar(&x.afterReady, "after-ready", "stop", "`WHAT` then: stop (SIGTERM, --grace, SIGKILL), or wait for its end")
}

// check says what is wrong with the flags, before anything is executed.
func (x *execFlags) check() error {
	switch {
	case x.warmup < 0:
		return fmt.Errorf("--warmup %d: expected 0 or more", x.warmup)
	case x.timeout < 0:
		return fmt.Errorf("--timeout %v: expected a time above zero", x.timeout)
	case x.grace <= 0:
		return fmt.Errorf("--grace %v: expected a time above zero", x.grace)
	case x.count != "" && x.count != "instructions":
		return fmt.Errorf("--count %s: expected instructions", x.count)
	case x.afterReady != "stop" && x.afterReady != "wait":
		return fmt.Errorf("--after-ready %s: expected stop or wait", x.afterReady)
	case x.output != "" && x.show:
		return errors.New("--save-output and --show-output: the output goes to one place")
	case x.output != "" && x.line != "":
		return errors.New("--save-output and --ready-line: a line cannot be looked for in output that goes elsewhere")
	}
	for _, v := range x.env {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return hint(fmt.Errorf("--env %q: expected NAME=VALUE", v), "--env LANG=C")
		}
	}
	if x.count != "" {
		if why := measure.NoInstructions(); why != "" {
			return hint(fmt.Errorf("--count instructions: %s", why), "install valgrind, or measure on a machine with hardware counters; see pacer doctor")
		}
	}
	_, err := x.ready()
	return err
}

// ready returns how the command tells that it has started up, nil if it is not
// waited for, or by the SDK.
func (x *execFlags) ready() (*measure.Ready, error) {
	given := 0
	for _, set := range []bool{x.line != "", x.http != "", x.tcp != "", x.file != "", x.sdk} {
		if set {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, errors.New("several of --ready-line, --ready-http, --ready-tcp, --ready-file and --ready-sdk: start-up ends once")
	case given == 0 || x.sdk:
		return nil, nil
	case x.line != "":
		re, err := regexp.Compile(x.line)
		if err != nil {
			return nil, fmt.Errorf("--ready-line: %w", err)
		}
		return &measure.Ready{Line: re}, nil
	case x.http != "" && !strings.HasPrefix(x.http, "http://") && !strings.HasPrefix(x.http, "https://"):
		return nil, hint(fmt.Errorf("--ready-http %s: expected a URL", x.http), "--ready-http http://%s", x.http)
	case x.http != "":
		if u, err := url.Parse(x.http); err != nil || u.Host == "" {
			return nil, hint(fmt.Errorf("--ready-http %s: expected a URL with a host", x.http), "--ready-http http://localhost:8080/health")
		}
	case x.tcp != "" && !strings.HasPrefix(x.tcp, "unix:"):
		_, port, err := net.SplitHostPort(x.tcp)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil || port == "" {
			return nil, hint(fmt.Errorf("--ready-tcp %s: expected HOST:PORT, or unix:PATH", x.tcp), "--ready-tcp localhost:8080")
		}
	}
	file := x.file
	if file != "" && x.dir != "" && !filepath.IsAbs(file) {
		file = filepath.Join(x.dir, file)
	}
	return &measure.Ready{HTTP: x.http, TCP: x.tcp, File: file}, nil
}

// subject returns what is measured: the words of a command line. The files
// that it needs are open until close.
func (x *execFlags) subject(ctx context.Context, words []string, stderr io.Writer, stdin *spooled) (subject, error) {
	labels, err := parseLabels(x.labels)
	if err != nil {
		return subject{}, err
	}
	ready, err := x.ready()
	if err != nil {
		return subject{}, err
	}
	s := subject{app: x.app, version: x.version, branch: x.branch, labels: labels, allowFailure: x.allowFailure, sdkReady: x.sdk}
	s.task = measure.Task{
		Command: measure.Command{Args: words, Dir: x.dir, Env: x.env, Timeout: x.timeout, Grace: x.grace, Ready: ready},
		Prepare: x.prepare, Cleanup: x.cleanup, StepTimeout: x.timeout, Count: x.count != "", AllowFailure: x.allowFailure,
	}
	if ready != nil || x.sdk {
		s.task.Stop = x.afterReady == "stop"
		if x.timeout == 0 && s.task.Stop {
			s.task.Timeout = time.Minute
		}
	}
	if x.shell {
		text := strings.Join(words, " ")
		s.task.Args = measure.Shell(text)
		s.program, s.start = programIn(text), x.shellStart
	}
	if x.show {
		s.task.Output = stderr
	}
	if x.stdin != "" {
		if s.task.Stdin, err = stdin.open(ctx, x.stdin); err != nil {
			return s, err
		}
	}
	if x.output != "" {
		name, how := x.output, os.O_WRONLY|os.O_CREATE|os.O_APPEND
		if name == "null" {
			name, how = os.DevNull, os.O_WRONLY
		}
		f, err := os.OpenFile(name, how, 0o666)
		if err != nil {
			return s, err
		}
		x.files = append(x.files, f)
		s.task.File = f
	}
	return s, nil
}

// close closes the files that subjects needed.
func (x *execFlags) close() {
	for _, f := range x.files {
		f.Close()
	}
}

// shellStarts is how often the shell is started to know what that takes.
const shellStarts = 20

// calibrate measures what the shell takes to start, where one is used.
func (x *execFlags) calibrate(ctx context.Context, runner *measure.Runner) (measure.Start, error) {
	if !x.shell {
		return measure.Start{}, nil
	}
	return runner.ShellStart(ctx, shellStarts)
}

func parseLabels(words []string) (map[string]string, error) {
	labels := make(map[string]string)
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, hint(fmt.Errorf("--label %q: expected KEY=VALUE", word), "--label dataset=1k")
		}
		if _, twice := labels[key]; twice {
			return nil, fmt.Errorf("--label %s is given twice", key)
		}
		labels[key] = value
	}
	return labels, nil
}
