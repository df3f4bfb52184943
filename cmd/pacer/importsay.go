package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report/text"
)

// mostDoubts is how many warnings are shown, of a file.
const mostDoubts = 10

// doubts shows what is doubtful about the runs, and what failed.
func (c *cli) doubts(list []imported) {
	shown := make(map[string]int)
	seen := make(map[string]bool)
	for i := range list {
		one := &list[i]
		var lines []string
		for _, f := range one.run.Failures {
			lines = append(lines, fmt.Sprintf("failed: %s: %s", one.File, f))
		}
		for _, w := range one.run.Warnings {
			lines = append(lines, fmt.Sprintf("warning: %s: %s", one.File, w))
		}
		for _, w := range one.run.Doubts {
			lines = append(lines, "warning: "+w)
		}
		for _, line := range lines {
			if seen[line] {
				continue
			}
			seen[line] = true
			if shown[one.File]++; shown[one.File] <= mostDoubts {
				fmt.Fprintln(c.stderr, line)
			} else if shown[one.File] == mostDoubts+1 {
				fmt.Fprintf(c.stderr, "warning: %s: and more: pacer show has them all\n", one.File)
			}
		}
	}
}

// importText says what was kept.
func (c *cli) importText(list []imported, o importOptions) error {
	if o.dryRun && len(list) == 1 {
		if _, err := fmt.Fprintf(c.stdout, "%s: %s; not kept (--dry-run)\n", list[0].File, list[0].title); err != nil {
			return err
		}
		return text.Run(c.stdout, &list[0].run, c.text())
	}
	const most = 20
	file, fresh, uncommitted := "", 0, false
	for i := range list {
		one := &list[i]
		if one.New {
			fresh++
		}
		uncommitted = uncommitted || one.run.Commit == ""
		if one.File != file {
			file = one.File
			if _, err := fmt.Fprintf(c.stdout, "%s: %s\n", file, one.title); err != nil {
				return err
			}
		}
		if i >= most {
			continue
		}
		if _, err := fmt.Fprintf(c.stdout, "  %s\n", one.line(o.dryRun)); err != nil {
			return err
		}
	}
	if n := len(list); n > 1 {
		what := fmt.Sprintf("%d runs, %d of them new", n, fresh)
		if o.dryRun {
			what = fmt.Sprintf("%d runs, not kept (--dry-run)", n)
		}
		if _, err := fmt.Fprintln(c.stdout, what); err != nil {
			return err
		}
	}
	if uncommitted && sourceHere().commit != "" && !o.here && !o.dryRun {
		fmt.Fprintln(c.stderr, "hint: the commit is not known: --commit COMMIT, or --here for what was measured just now")
	}
	return nil
}

// line is one run in a list.
func (one *imported) line(dryRun bool) string {
	r := &one.run
	word := "kept"
	switch {
	case dryRun:
		word = "would keep"
	case !one.New:
		word = "already kept"
	}
	parts := []string{word, r.ID[:min(len(r.ID), 12)], r.App}
	if r.Version != "" {
		parts = append(parts, r.Version)
	}
	if r.Commit != "" {
		parts = append(parts, r.Commit[:min(len(r.Commit), 10)])
	}
	if !r.Timestamp.IsZero() {
		parts = append(parts, r.Timestamp.UTC().Format(time.DateTime))
	}
	parts = append(parts, counted(len(r.Metrics), "metric"))
	samples := int64(0)
	for i := range r.Metrics {
		samples += r.Metrics[i].Count()
	}
	parts = append(parts, counted(int(samples), "sample"))
	if n := len(r.Failures); n > 0 {
		parts = append(parts, counted(n, "failure"))
	}
	return input.Clean(strings.Join(parts, "  "), 500)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// importJSON says what was kept as JSON; of a dry run, the runs themselves.
func (c *cli) importJSON(list []imported, dryRun bool) error {
	if dryRun {
		for i := range list {
			if err := list[i].run.Write(c.stdout); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range list {
		list[i].Run, list[i].Values = judge.HeadOf(&list[i].run), len(list[i].run.Metrics)
	}
	return writeJSON(c.stdout, map[string]any{"runs": list})
}
