package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/history"
)

// A completer returns the words that an argument may be, each with what it is
// behind a tab, those before it being known. There are none where the history
// cannot be read: a shell that completes has no place for errors.
type completer func(cmd *cobra.Command, before []string) []string

// completeArgs completes the arguments of a command, one completer for each.
// Files complete as well, where no word fits.
func completeArgs(cmd *cobra.Command, list ...completer) {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, before []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(before) >= len(list) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return starting(list[len(before)](cmd, before), word), cobra.ShellCompDirectiveDefault
	}
}

// completeRunFlag completes a flag whose value is a run.
func completeRunFlag(cmd *cobra.Command, flag string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, before []string, word string) ([]string, cobra.ShellCompDirective) {
		return starting(runWords(cmd, before), word), cobra.ShellCompDirectiveDefault
	})
	if err != nil {
		panic(err) // there is no such flag
	}
}

func starting(words []string, prefix string) []string {
	var list []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			list = append(list, w)
		}
	}
	return list
}

// completing is where the history is and whose runs count, as far as the
// command line says. A history far away gets a moment, and no more.
func completing(cmd *cobra.Command) (ctx context.Context, done func(), app string) {
	ctx, done = context.WithTimeout(cmd.Context(), 2*time.Second)
	if f := cmd.Flag("history"); f != nil {
		ctx = withHistory(ctx, f.Value.String())
	}
	if f := cmd.Flag("app"); f != nil {
		app = f.Value.String()
	}
	if p, err := loadPolicy(""); err == nil {
		app = appOf(app, p)
	}
	return ctx, done, app
}

// runWords are words for the newest runs: latest, versions, branches, commits.
func runWords(cmd *cobra.Command, _ []string) []string {
	ctx, done, app := completing(cmd)
	defer done()
	store, err := readHistory(ctx)
	if err != nil {
		return nil
	}
	defer store.Close()
	heads, err := store.Heads(ctx, history.Filter{App: app, Limit: 50})
	if err != nil || len(heads) == 0 {
		return nil
	}
	list := []string{latest + "\tthe newest run"}
	seen := make(map[string]bool)
	for _, h := range heads {
		when := h.Timestamp.Local().Format("2006-01-02 15:04")
		for _, w := range []struct{ word, what string }{
			{h.Version, "version"}, {h.Branch, "branch"}, {h.Commit[:min(10, len(h.Commit))], "commit"},
		} {
			word := w.word
			if w.what == "branch" && word != "" {
				word = "branch:" + word
			}
			if word == "" || seen[word] {
				continue
			}
			seen[word] = true
			list = append(list, fmt.Sprintf("%s\t%s of %s, %s", word, w.what, h.App, when))
		}
	}
	return list
}

// metricWords are the metrics of the run that the word before names, else of the
// newest.
func metricWords(cmd *cobra.Command, before []string) []string {
	ctx, done, app := completing(cmd)
	defer done()
	word := latest
	if len(before) > 0 {
		word = before[len(before)-1]
	}
	var list []string
	if v, is, err := verdictIn(word); is {
		for i := range v.Metrics {
			list = append(list, v.Metrics[i].Key()+"\t"+string(v.Metrics[i].Change))
		}
		return list
	} else if err != nil {
		return nil
	}
	r, err := loadRun(ctx, word, find(ctx, app))
	if err != nil {
		return nil
	}
	for i := range r.Metrics {
		list = append(list, r.Metrics[i].Key()+"\t"+r.Metrics[i].Unit)
	}
	return list
}
