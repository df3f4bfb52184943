package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/open"
	"github.com/pacer-perf/pacer/internal/report"
)

func (c *cli) history() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Export, copy, prune and check the history",
		Long: `The history is the file .pacer/history.db, or what --history or $PACER_HISTORY
names: a path, postgres://USER@HOST/DATABASE, or to read alone
prom+http://HOST:PORT.`,
		Example: `  pacer history copy .pacer/history.db postgres://pacer@db/pacer
  pacer history export -o runs.ndjson.gz
  pacer history prune --samples 100 --histograms 365d --dry-run
  pacer history verify`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.historyExport(), c.historyImport(), c.historyCopy(), c.historyPrune(), c.historyVerify(), c.historyVacuum())
	return cmd
}

// source opens the history to read it from one end to the other.
func source(ctx context.Context) (history.Source, error) {
	store, err := readHistory(ctx)
	if err != nil {
		return nil, err
	}
	return asSource(store)
}

func asSource(store history.Reader) (history.Source, error) {
	s, ok := store.(history.Source)
	if !ok {
		store.Close()
		return nil, hint(&history.ReadOnlyError{Store: store.Address()}, "it has no runs of its own: see pacer trend, and pacer check --baseline")
	}
	return s, nil
}

// runsOf counts the runs of a history, of one app if it is named.
func runsOf(ctx context.Context, s history.Reader, app string) (int, error) {
	apps, err := s.Apps(ctx)
	n := 0
	for _, a := range apps {
		if app == "" || a.Name == app {
			n += a.Runs
		}
	}
	return n, err
}

// counter returns what shows a number of runs as it grows.
func (c *cli) counter(what string, total int) (show func(int), clear func()) {
	p := newProgress(c.stderr, what, max(total, 1))
	return func(done int) { p.show(min(done, total) - 1) }, p.clear
}

func (c *cli) historyExport() *cobra.Command {
	var filter history.Filter
	var output, since string
	cmd := &cobra.Command{
		Use:   "export [flags]",
		Short: "Write runs as documents, a line each",
		Long: `Export writes the runs of the history as documents, pacer.run/v1, oldest first,
a line each. Without a filter what was done about alerts follows. A file that
ends in .gz or .zst is compressed. pacer history import reads it back.`,
		Example: `  pacer history export >runs.ndjson
  pacer history export -o runs.ndjson.zst
  pacer history export --app cuepoint --branch main --since 30d`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write (default: standard output)")
	cmd.Flags().StringVar(&filter.App, "app", "", "only runs of this `APP`")
	cmd.Flags().StringVar(&filter.Branch, "branch", "", "only runs of this `BRANCH`")
	cmd.Flags().StringVar(&since, "since", "", "only runs since a `DATE`, as 2027-02-01, or so many days ago, as 30d")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if since != "" {
			if filter.Since, err = sinceTime(since, time.Now()); err != nil {
				return err
			}
		}
		ctx := cmd.Context()
		s, err := source(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		total, err := runsOf(ctx, s, filter.App)
		if err != nil {
			return err
		}
		show, clear := c.counter("exporting", total)
		n := 0
		write := func(w io.Writer) (err error) {
			n, err = history.Export(ctx, s, filter, w, show)
			return err
		}
		if output == "-" {
			output = ""
		}
		if output == "" {
			err = write(c.stdout)
		} else {
			err = atomicfile.Write(output, func(w io.Writer) error { return compressed(w, output, write) })
		}
		clear()
		if err == nil && output != "" {
			fmt.Fprintf(c.stderr, "%s in %s\n", runsWord(n), output)
		}
		return err
	}
	return cmd
}

// sinceTime reads a date, or how many days ago.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if days := daysForm.FindStringSubmatch(text); days != nil {
		n := 0
		fmt.Sscan(days[1], &n)
		return now.AddDate(0, 0, -n), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, fmt.Errorf("--since %q: expected a date, as 2027-02-01, or a number of days, as 30d", text)
	}
	return day, nil
}

// compressed calls write with what compresses as the file's name says.
func compressed(w io.Writer, file string, write func(io.Writer) error) error {
	var z io.WriteCloser
	switch {
	case strings.HasSuffix(file, ".gz"):
		z = gzip.NewWriter(w)
	case strings.HasSuffix(file, ".zst"):
		var err error
		if z, err = zstd.NewWriter(w); err != nil {
			return err
		}
	default:
		return write(w)
	}
	return errors.Join(write(z), z.Close())
}

func (c *cli) historyImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import [FILE...]",
		Short: "Add the runs of files: what export wrote, or run documents",
		Long: `Import adds the runs of files, or of standard input, to the history: what pacer
history export wrote, or any documents pacer.run/v1, one after the other; plain,
or compressed by gzip or zstd. Runs that are there already stay as they are:
importing twice, or again after an interrupt, does no harm.`,
		Example: `  pacer history import runs.ndjson.gz
  pacer history import metrics-*.json
  pacer history export | pacer history import --history other.db`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"-"}
			}
			// What cannot be read is better known before anything is written.
			for _, file := range args {
				if info, err := os.Stat(file); file != "-" && (err != nil || info.IsDir()) {
					return errors.Join(err, map[bool]error{true: fmt.Errorf("%s is a folder: expected a file", file)}[err == nil])
				}
			}
			store, err := writeHistory(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			var all history.Imported
			for _, file := range args {
				one, err := c.importFile(cmd.Context(), store, file)
				all.Runs += one.Runs
				all.Known += one.Known
				all.Baselines += one.Baselines
				all.Acts += one.Acts
				all.Conflicts = append(all.Conflicts, one.Conflicts...)
				if err != nil {
					c.kept = fmt.Sprintf(": %s were added; importing again goes on from there", runsWord(all.Runs))
					fmt.Fprintf(c.stderr, "%s added before that\n", runsWord(all.Runs))
					return err
				}
			}
			fmt.Fprintf(c.stdout, "%s added, %d were there already\n", runsWord(all.Runs), all.Known)
			if all.Baselines > 0 || all.Acts > 0 {
				fmt.Fprintf(c.stdout, "%d baselines set, %d acts on alerts added\n", all.Baselines, all.Acts)
			}
			return conflicts(all.Conflicts)
		},
	}
}

func (c *cli) importFile(ctx context.Context, store history.Store, file string) (history.Imported, error) {
	f, name := os.Stdin, "standard input"
	if file != "-" {
		var err error
		if f, err = os.Open(file); err != nil {
			return history.Imported{}, err
		}
		defer f.Close()
		name = file
	}
	r, err := plainText(f)
	if err != nil {
		return history.Imported{}, fmt.Errorf("%s: %w", name, err)
	}
	p := newProgress(c.stderr, "importing "+name, 0)
	defer p.clear()
	return history.Import(audited(ctx, "", "", "", map[string]string{"from": name}), store, r, name, p.count)
}

// runsWord writes a number of runs.
func runsWord(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}

// conflicts is the error for runs whose ids are other runs' in the history.
func conflicts(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	some := strings.Join(ids[:min(len(ids), 3)], ", ")
	if len(ids) > 3 {
		some += ", ..."
	}
	return hint(fmt.Errorf("%s not added: the history has other runs of these ids: %s", runsWord(len(ids)), some), "compare them: pacer show ID")
}

func (c *cli) historyCopy() *cobra.Command {
	return &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy a whole history into another one",
		Long: `Copy adds everything that one history has to another: runs as they are kept,
baselines where none was set there, what was done about alerts, the audit log,
tokens.
Nothing is changed where it comes from, and what is there already stays as it
is: a copy that was interrupted goes on where it stopped.

FROM and TO are addresses: a path, sqlite:PATH, or
postgres://USER:PASSWORD@HOST/DATABASE. A password is better off in PGPASSWORD
or ~/.pgpass.`,
		Example: `  pacer history copy .pacer/history.db postgres://pacer@db.example.org/pacer
  pacer history copy postgres://pacer@db.example.org/pacer backup.db`,
		Args: exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			reader, err := open.Reader(ctx, args[0])
			if err != nil {
				return unreachable(err)
			}
			from, err := asSource(reader)
			if err != nil {
				return err
			}
			defer from.Close()
			to, err := open.Store(ctx, args[1])
			if err != nil {
				return unreachable(err)
			}
			defer to.Close()
			if sameHistory(from.Address(), to.Address()) {
				return hint(fmt.Errorf("%s is both: a history is not copied into itself", to.Address()), "pacer history copy FROM TO")
			}
			total, err := runsOf(ctx, from, "")
			if err != nil {
				return err
			}
			show, clear := c.counter("copying", total)
			done, err := history.Copy(audited(ctx, "", "", "", map[string]string{"from": from.Address()}), from, to, show)
			clear()
			if err != nil {
				c.kept = fmt.Sprintf(": %s were copied; copying again goes on from there", runsWord(done.Runs))
				return unreachable(err)
			}
			fmt.Fprintf(c.stdout, "%s copied, %d were there already\n", runsWord(done.Runs), done.Known)
			if done.Baselines > 0 || done.Acts > 0 || done.Audit > 0 || done.Tokens > 0 {
				fmt.Fprintf(c.stdout, "%d baselines set, %d acts on alerts, %d entries of the audit log, %s\n", done.Baselines, done.Acts, done.Audit, report.Plural(done.Tokens, "token"))
			}
			for _, b := range done.Differ {
				fmt.Fprintf(c.stderr, "pacer: warning: %s keeps its own baseline there: run %s is the one here\n", b.App, b.Run)
			}
			return conflicts(done.Conflicts)
		},
	}
}

// sameHistory tells whether two addresses are of one history.
func sameHistory(a, b string) bool {
	if a == b {
		return true
	}
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

func (c *cli) historyVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check that every run is whole and says what was recorded",
		Long: `Verify checks the store's own structure and reads every run: that its document
is the one that was recorded, by its digest, and that its head and its series
say the same. Exit status: 0, or 2 if something is wrong.`,
		Example: "  pacer history verify\n  pacer history verify --history postgres://pacer@db/pacer",
		Args:    exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			s, err := source(ctx)
			if err != nil {
				return err
			}
			defer s.Close()
			total, err := runsOf(ctx, s, "")
			if err != nil {
				return err
			}
			show, clear := c.counter("verifying", total)
			problems, err := history.Verify(ctx, s, show)
			clear()
			if err != nil {
				return err
			}
			for _, p := range problems {
				of := "the store"
				if p.Run != "" {
					of = "run " + p.Run
				}
				fmt.Fprintf(c.stdout, "%s: %s\n", of, p.What)
			}
			if len(problems) > 0 {
				return hint(fmt.Errorf("%s in %s of %s", plural(len(problems), "problem"), runsWord(total), s.Address()), "restore a backup beside it, and bring its runs here: pacer history copy BACKUP %s", s.Address())
			}
			_, err = fmt.Fprintf(c.stdout, "%s: all is well\n", runsWord(total))
			return err
		},
	}
}

func (c *cli) historyVacuum() *cobra.Command {
	return &cobra.Command{
		Use:   "vacuum",
		Short: "Give back room that is no longer used",
		Long: `Vacuum writes the file of a history anew, without the room of what was pruned,
for which it needs as much again meanwhile. In PostgreSQL that room is used
again rather than given back, and nobody is locked out.`,
		Example: "  pacer history vacuum",
		Args:    exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			s, err := changeHistory(ctx)
			if err != nil {
				return err
			}
			defer s.Close()
			before, err := s.Size(ctx)
			if err != nil {
				return err
			}
			if err := s.Vacuum(ctx); err != nil {
				return err
			}
			after, err := s.Size(ctx)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "%s: %s before, %s now\n", s.Address(), megabytes(before), megabytes(after))
			return err
		},
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// plainText returns a reader that decompresses gzip and zstd.
func plainText(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b)
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return b, nil
}
