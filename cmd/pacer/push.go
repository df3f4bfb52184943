package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/request"
)

// pushOptions say what is sent where.
type pushOptions struct {
	tokenFile, since string
	filter           history.Filter
	all, again       bool
	dryRun           bool
	patience         time.Duration
}

func (c *cli) push() *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push [flags] [ADDRESS]",
		Short: "Send the runs of the history to a server",
		Long: `Push sends the runs of the history to a server (pacer serve) that does not have
them from here yet, oldest first. What could not be sent is sent the next time;
sending a run twice keeps it once. Where the server is busy or away, push waits
as it says, up to --patience.

A run that the server does not take, since it is too large or another run has
its id there, is named with the reason and holds up no others. The next push
names it again; one that is too large it sends only once that run was thinned
(pacer history prune), or with --again. Exit status: 0 if the server has all of
them, 2 if one was rejected or waits for the next push.

ADDRESS is that of the server, by default $PACER_ENDPOINT. Its token is read
from $PACER_TOKEN, or from a file: on a command line others could see it.`,
		Example: `  PACER_TOKEN=pacer_... pacer push https://pacer.example
  pacer push --token-file token.txt --since 30d https://pacer.example
  pacer run --runs 10 -- ./app && pacer push`,
		Args: between(0, 1),
	}
	cmd.Flags().StringVar(&o.tokenFile, "token-file", "", "`FILE` with the token (default: $PACER_TOKEN)")
	cmd.Flags().StringVar(&o.filter.App, "app", "", "only runs of this `APP`")
	cmd.Flags().StringVar(&o.since, "since", "", "only runs since a `DATE`, as 2027-02-01, or so many days ago, as 30d")
	cmd.Flags().BoolVar(&o.all, "all", false, "send also what was sent before: to a server that lost it")
	cmd.Flags().BoolVar(&o.again, "again", false, "send also what was too large: to a server that takes more by now")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say how many runs would be sent, and send nothing")
	cmd.Flags().DurationVar(&o.patience, "patience", 2*time.Minute, "how long to wait, in all, for a server that is away")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		address := env("PACER_ENDPOINT")
		if len(args) == 1 {
			address = args[0]
		}
		return c.pushTo(cmd.Context(), address, o)
	}
	return cmd
}

func (c *cli) pushTo(ctx context.Context, address string, o pushOptions) error {
	to, err := endpoint(address, o.tokenFile)
	if err != nil {
		return err
	}
	if o.since != "" {
		if o.filter.Since, err = sinceTime(o.since, time.Now()); err != nil {
			return err
		}
	}
	src, err := source(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	dir, err := home()
	if err != nil {
		return err
	}
	sent, err := openSentList(dir, to.URL, src.Address())
	if err != nil {
		return err
	}
	defer sent.close()
	p := &pusher{to: to, sent: sent, most: pushBytes}
	wanted := func(e *history.Entry) bool {
		if o.all {
			return true
		}
		_, refused := sent.tooLarge(e)
		return !sent.has(e.Head.ID) && (o.again || !refused)
	}
	todo, stretches, err := unsent(ctx, src, o.filter, func(e *history.Entry) bool {
		if wanted(e) {
			return true
		}
		if r, refused := sent.tooLarge(e); refused && !sent.has(e.Head.ID) {
			p.rejected = append(p.rejected, r)
		}
		return false
	})
	if err != nil {
		return err
	}
	p.before = len(p.rejected)
	if o.dryRun || todo == 0 {
		c.sayRejected(p)
		fmt.Fprintf(c.stderr, "%s to send to %s\n", runsWord(todo), to.Name)
		if o.dryRun {
			return nil
		}
		return rejectedError(p)
	}
	bar := newProgress(c.stderr, "sending", todo)
	p.show = func(n int) { bar.show(n) }
	p.client = request.Client{UserAgent: "pacer/" + versionNumber(), Patience: o.patience, Attempts: 1 << 20, Timeout: time.Minute,
		Waiting: func(why string, d time.Duration) {
			bar.say(fmt.Sprintf("%s; trying again in %v", why, d.Round(time.Second)))
		}}
	for _, st := range stretches {
		err = src.Walk(ctx, st.of(o.filter), history.Parts{Document: true}, func(e *history.Entry) error {
			if !wanted(e) {
				return nil
			}
			return p.add(ctx, e)
		})
		if err != nil {
			break
		}
	}
	if err == nil {
		err = p.flush(ctx)
	}
	bar.clear()
	return c.pushed(p, todo, err)
}

// pushed says what became of what was to be sent.
func (c *cli) pushed(p *pusher, todo int, err error) error {
	done := p.done()
	c.sayRejected(p)
	if done > 0 || err == nil {
		fmt.Fprintf(c.stderr, "%s sent to %s: %d new, %d known there, %d rejected\n", runsWord(done), p.to.Name, p.added, p.known, len(p.rejected))
	}
	if left := todo - done; err != nil && left > 0 {
		waits := runsWord(left) + " wait for the next push"
		if left == 1 {
			waits = "1 run waits for the next push"
		}
		c.kept = ": " + waits
		if !errors.Is(err, context.Canceled) { // else that it was interrupted says so
			fmt.Fprintln(c.stderr, waits)
		}
	}
	if err != nil {
		return pushHint(err, p.to)
	}
	return rejectedError(p)
}

// sayRejected names the runs that the server did not take, now or before.
func (c *cli) sayRejected(p *pusher) {
	for i, r := range p.rejected {
		if i == 10 {
			fmt.Fprintf(c.stderr, "and %d more were rejected\n", len(p.rejected)-i)
			break
		}
		when := ""
		if i < p.before {
			when = " before, and not sent again"
		}
		fmt.Fprintf(c.stderr, "rejected%s: %s\n", when, r.Error)
		if r.Hint != "" {
			fmt.Fprintf(c.stderr, "  %s\n", r.Hint)
		}
	}
}

// rejectedError is what a push ends with that the server did not take all of.
func rejectedError(p *pusher) error {
	switch n := len(p.rejected); {
	case n == 0:
		return nil
	case p.before > 0:
		return hint(fmt.Errorf("%s rejected", runsWord(n)), "what is above says why; the others are kept there. To a server that takes more by now: --again")
	default:
		return hint(fmt.Errorf("%s rejected", runsWord(n)), "what is above says why; the others are kept there. To send the runs of one app alone: --app APP")
	}
}

// endpoint is the request that sends runs to a server.
func endpoint(address, tokenFile string) (request.Request, error) {
	if address == "" {
		return request.Request{}, hint(errors.New("there is no server to send to"), "pacer push https://pacer.example, or set $PACER_ENDPOINT")
	}
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.User != nil {
		return request.Request{}, hint(errors.New("the address of the server: expected http://HOST:PORT or https://HOST"), "pacer push https://pacer.example")
	}
	at.Path, at.RawQuery, at.Fragment = strings.TrimSuffix(at.Path, "/")+"/api/v1/runs", "", ""
	token, from := env("PACER_TOKEN"), "$PACER_TOKEN"
	if tokenFile != "" {
		from = tokenFile
		text, err := os.ReadFile(tokenFile)
		if err != nil {
			return request.Request{}, err
		}
		token = strings.TrimSpace(string(text))
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return request.Request{}, hint(fmt.Errorf("%s holds more than a token: expected one word that begins with pacer_", from), "pacer token create writes it to standard output, and what is to be known of it to standard error: --name ci --role ingest >token.txt")
	}
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Content-Encoding": {"zstd"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return request.Request{Method: http.MethodPost, URL: at.String(), Name: at.Host, Header: header}, nil
}
