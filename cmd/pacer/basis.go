package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/open"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// loadBasis returns what the current run is compared with: the baseline that
// words name, else by the policy's rule; and the history that the run
// continues. What words do not find is an error; what the policy's rule does
// not find is a baseline without runs, which says why.
func loadBasis(ctx context.Context, app string, words []string, p *judge.Policy, current *run.Run) (judge.Baseline, []judge.Series, error) {
	q := baseline.Question{Current: current, App: app, AnyEnvironment: p.AnyEnvironment, Lineage: lineage}
	store, err := readHistory(ctx)
	if store != nil {
		defer store.Close()
	}
	if len(words) == 0 {
		switch {
		case errors.Is(err, errNoHistory):
			return judge.Baseline{First: true, Chosen: "no history yet"}, nil, nil
		case err != nil:
			return judge.Baseline{}, nil, err
		}
		b, err := byPolicy(ctx, store, q, p.Baseline)
		if err != nil {
			return b, nil, err
		}
		past, err := baseline.History(ctx, store, q, p.Baseline)
		return b, past, err
	}
	b, rule, nameErr := byWords(ctx, q, words)
	if nameErr != nil {
		return b, nil, fmt.Errorf("baseline: %w", nameErr)
	}
	if err != nil {
		if !errors.Is(err, errNoHistory) { // files were compared: they need none
			b.Warnings = append(b.Warnings, fmt.Sprintf("the history is left out: %v", err))
		}
		return b, nil, nil
	}
	past, err := baseline.History(ctx, store, q, rule)
	return b, past, err
}

// byPolicy returns the baseline by the rule of a policy.
func byPolicy(ctx context.Context, store baseline.Source, q baseline.Question, rule string) (judge.Baseline, error) {
	b, err := baseline.Choose(ctx, store, q, rule)
	if !errors.Is(err, history.ErrNotFound) {
		return b, err
	}
	if first, e := baseline.Choose(ctx, store, q, baseline.Previous); e == nil && first.First {
		return first, nil
	}
	return judge.Baseline{Chosen: err.Error()}, nil
}

// byWords returns the baseline that --baseline names, and the rule if it is
// one.
func byWords(ctx context.Context, q baseline.Question, words []string) (b judge.Baseline, rule string, err error) {
	if len(words) == 1 {
		b, inHistory, err := byWord(ctx, q, words[0])
		if inHistory {
			rule = words[0]
		}
		return b, rule, err
	}
	seen := make(map[string]bool)
	for _, word := range words {
		one, inHistory, err := byWord(ctx, q, word)
		if err != nil {
			return b, "", err
		}
		if inHistory && baseline.IsRule(word) {
			return b, "", hint(fmt.Errorf("%s is a rule, which chooses several runs by itself: it cannot stand beside others", word), "name files or runs, or that rule alone")
		}
		b.Warnings = append(b.Warnings, one.Warnings...)
		for _, r := range one.Runs {
			if !seen[r.ID] {
				b.Runs = append(b.Runs, r)
			}
			seen[r.ID] = true
		}
	}
	slices.SortStableFunc(b.Runs, func(x, y *run.Run) int {
		return cmp.Or(x.Timestamp.Compare(y.Timestamp), strings.Compare(x.ID, y.ID))
	})
	b.Set = true
	b.Chosen = "the run that was named"
	if len(b.Runs) > 1 {
		b.Chosen = fmt.Sprintf("the %d runs that were named", len(b.Runs))
	}
	return b, "", agree(&b, q)
}

// byWord returns the baseline that one word means, and whether it was found in
// the history.
func byWord(ctx context.Context, q baseline.Question, word string) (b judge.Baseline, inHistory bool, err error) {
	if open.IsAddress(word) {
		b, err := byAddress(ctx, q, word)
		return b, false, err
	}
	r, err := loadRun(ctx, word, func(store baseline.Source, word string) (run.Run, error) {
		inHistory = true
		var err error
		b, err = baseline.Choose(ctx, store, q, word)
		return run.Run{}, err
	})
	if err == nil && !inHistory {
		b = judge.Baseline{Runs: []*run.Run{&r}, Set: true, Chosen: "named " + word}
	}
	return b, inHistory, err
}

// byAddress returns the baseline that another history has: by the rule that
// follows # in the address, else the newest comparable runs.
func byAddress(ctx context.Context, q baseline.Question, word string) (judge.Baseline, error) {
	address, rule, _ := strings.Cut(word, "#")
	store, err := open.Reader(ctx, address)
	if err != nil {
		return judge.Baseline{}, unreachable(err)
	}
	defer store.Close()
	if named, ok := store.(history.Named); ok {
		named.Names(q.Current.Metrics)
	}
	b, err := baseline.Choose(ctx, store, q, rule)
	if err != nil {
		return b, err
	}
	if len(b.Runs) == 0 {
		return b, hint(fmt.Errorf("%s: %s", store.Address(), b.Chosen), "see what it has: pacer log --history %s", store.Address())
	}
	b.Chosen += " of " + store.Address()
	return b, nil
}

// agree says whether runs that were named one by one can be one baseline: they
// measured the same thing, if not in the same environment.
func agree(b *judge.Baseline, q baseline.Question) error {
	newest := b.Runs[len(b.Runs)-1]
	for _, r := range b.Runs[:len(b.Runs)-1] {
		things := judge.LabelDifferences(r, newest)
		if r.App != "" && newest.App != "" && r.App != newest.App {
			things = append(things, fmt.Sprintf("app: %s and %s", r.App, newest.App))
		}
		if len(things) > 0 {
			return hint(fmt.Errorf("runs %s and %s measured different things (%s)", r.ID, newest.ID, strings.Join(things, "; ")), "name runs of one app with the same labels")
		}
		with := q
		with.Current = newest
		if list := with.Differences(r); len(list) > 0 {
			b.Warnings = append(b.Warnings, fmt.Sprintf("baseline: runs %s and %s are of different environments (%s)", r.ID, newest.ID, strings.Join(list, "; ")))
		}
	}
	return nil
}

// pastCommits is how far back a commit with runs is looked for.
const pastCommits = 1000

// lineage asks the git repository of the working folder where a commit forked
// from a branch.
func lineage(ctx context.Context, commit, branch string) (baseline.Ancestry, error) {
	var a baseline.Ancestry
	if _, err := exec.LookPath("git"); err != nil {
		return a, hint(errors.New("git is not installed"), "name a baseline: --baseline RUN")
	}
	shallow, err := git(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return a, hint(fmt.Errorf("git: %w", err), "call it inside the repository, or name a baseline: --baseline RUN")
	}
	a.Shallow = shallow == "true"
	deepen := "git fetch"
	if a.Shallow {
		deepen = "git fetch --unshallow"
	}
	if _, err := strconv.ParseUint(commit[:min(len(commit), 16)], 16, 64); err != nil {
		return a, hint(fmt.Errorf("%q, the commit of the current run, is no commit of git", commit), "name a baseline: --baseline RUN")
	}
	if _, err := git(ctx, "rev-parse", "--quiet", "--verify", commit+"^{commit}"); err != nil {
		return a, hint(fmt.Errorf("commit %s of the current run is not in this repository", commit), "%s", deepen)
	}
	ref := ""
	if a.Branch, ref, err = trunk(ctx, branch); err != nil {
		return a, err
	}
	fork, err := git(ctx, "merge-base", commit, ref)
	if err != nil {
		err := fmt.Errorf("commit %s and %s have no commit in common", commit, a.Branch)
		if a.Shallow {
			return a, hint(fmt.Errorf("%w: the repository is a shallow clone", err), "%s", deepen)
		}
		return a, hint(err, "name a branch: --baseline merge-base:BRANCH")
	}
	// The first parents alone: the commits of a branch that was merged are not
	// the past of the one it was merged into.
	list, err := git(ctx, "rev-list", "--first-parent", "-n", strconv.Itoa(pastCommits), fork)
	if err != nil {
		return a, fmt.Errorf("git: %w", err)
	}
	a.Commits = strings.Fields(list)
	return a, nil
}

// trunk returns the branch that is meant by a name, or without one the branch
// that others fork from: main, else master, here or at the origin, else the
// origin's own. The name is what people call it, the ref what git does.
func trunk(ctx context.Context, branch string) (name, ref string, err error) {
	var refs []string
	if branch == "" {
		refs = []string{"refs/heads/main", "refs/remotes/origin/main", "refs/heads/master", "refs/remotes/origin/master", "refs/remotes/origin/HEAD"}
	} else {
		refs = []string{"refs/heads/" + branch, "refs/remotes/" + branch, "refs/remotes/origin/" + branch, "refs/tags/" + branch}
	}
	for _, ref := range refs {
		if _, err := git(ctx, "rev-parse", "--quiet", "--verify", ref+"^{commit}"); err == nil {
			name := strings.TrimPrefix(ref, "refs/heads/")
			name = strings.TrimPrefix(strings.TrimPrefix(name, "refs/remotes/"), "refs/tags/")
			return name, ref, nil
		}
	}
	if branch == "" {
		return "", "", hint(errors.New("there is no branch main or master, nor an origin with a branch of its own"), "name it: --baseline merge-base:BRANCH")
	}
	return "", "", hint(fmt.Errorf("there is no branch %s, here or at the origin", branch), "see what there is: git branch --all")
}

// git runs git in the working folder and returns what it says, or as an error
// its complaint.
func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		complaint, _, _ := strings.Cut(strings.TrimSpace(string(failed.Stderr)), "\n")
		if complaint = strings.TrimPrefix(complaint, "fatal: "); complaint != "" {
			err = errors.New(complaint)
		}
	}
	return strings.TrimSpace(string(out)), err
}
