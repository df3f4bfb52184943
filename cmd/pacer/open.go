package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

func (c *cli) open() *cobra.Command {
	noBrowser := false
	cmd := &cobra.Command{
		Use:   "open [flags] [METRIC]",
		Short: "Open the pages of the history in a browser",
		Long: `Open opens the first page of the history in a browser, or that of a metric. If
pacer serve shows the history already, that is where it leads; else it serves
the pages itself until Ctrl-C, as pacer serve does.`,
		Example: `  pacer open                           the newest run
  pacer open startup                   the history of a metric
  pacer open --no-browser startup      only print the address`,
		Args: between(0, 1),
	}
	completeArgs(cmd, metricWords)
	cmd.Flags().BoolVar(&noBrowser, "no-browser", false, "print the address, and open nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		page := ""
		if len(args) == 1 {
			key, err := metricNamed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			page = "metric?" + url.Values{"m": {key}}.Encode()
		}
		show := func(base string) error {
			if _, err := fmt.Fprintln(c.stdout, base+page); err != nil || noBrowser {
				return err
			}
			if err := browse(cmd.Context(), base+page); err != nil {
				fmt.Fprintf(c.stderr, "no browser opened (%v): open the address above\n", err)
			}
			return nil
		}
		if base, ok := served(cmd.Context()); ok {
			return show(base)
		}
		s, err := c.listen(cmd.Context(), serveOptions{addr: defaultAddr})
		if err != nil { // the usual port is taken, by who knows what
			s, err = c.listen(cmd.Context(), serveOptions{addr: "127.0.0.1:0"})
		}
		if err != nil {
			return err
		}
		if err := show(s.url); err != nil {
			return errors.Join(err, s.close())
		}
		fmt.Fprintf(c.stderr, "showing %s; Ctrl-C ends it\n", s.what)
		return s.serve(cmd.Context())
	}
	return cmd
}

// metricNamed returns the key of the metric of the history that a word means.
func metricNamed(ctx context.Context, word string) (string, error) {
	store, err := readHistory(ctx)
	if err != nil {
		return "", err
	}
	defer store.Close()
	list, err := store.Series(ctx, history.SeriesFilter{Key: word, Last: 1})
	if err == nil && len(list) == 0 {
		list, err = seriesNamed(ctx, store, word, trendOptions{})
	}
	if err != nil {
		return "", err
	}
	return run.Key(list[0].Name, list[0].Labels), nil
}

// served returns where the history of this folder is shown already, and false
// if it is not.
func served(ctx context.Context) (string, bool) {
	n, ok := readNote(noteFile())
	if !ok {
		return "", false
	}
	at, err := url.Parse(n.URL)
	if err != nil || at.Scheme != "http" || loopback(at.Host) != nil {
		return "", false // not a note of ours
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"healthz", nil)
	if err != nil {
		return "", false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", false // it ended without taking its note along
	}
	defer answer.Body.Close()
	var who struct{ Program, Shows string }
	err = json.NewDecoder(answer.Body).Decode(&who)
	return n.URL, err == nil && who.Program == "pacer" && who.Shows == placeOf(ctx).mark()
}

// browse opens an address in the browser of this system.
func browse(ctx context.Context, address string) error {
	program, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		program = "open"
	case "windows":
		program, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, program, args...).Run()
}
