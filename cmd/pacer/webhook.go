package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/event"
	"github.com/pacer-perf/pacer/internal/report/slack"
	"github.com/pacer-perf/pacer/internal/request"
	"github.com/pacer-perf/pacer/internal/webhook"
)

// hook is what the command line says of a webhook.
type hook struct {
	file, url     string
	slack, dryRun bool
	always        bool
}

func (c *cli) webhook() *cobra.Command {
	var o hook
	cmd := &cobra.Command{
		Use:   "webhook --file VERDICT",
		Short: "Tell another program, or Slack, of a verdict that needs a person",
		Long: `Webhook sends one POST request for a verdict that needs a person, and nothing
for any other. It tries again where the receiver is busy or fails, for at most
two minutes.

The body is {"type": "pacer.verdict", "timestamp", "data"}: the verdict, the one
fact in words, and the metrics that need a person. It is signed as Standard
Webhooks 1.0 says: Webhook-Signature is "v1," and the base64 of an HMAC-SHA256,
with $PACER_WEBHOOK_SECRET as its key, over Webhook-Id, Webhook-Timestamp and
the body with dots between. Webhook-Id is the same for the same verdict, so that
a receiver can tell what it has seen: docs/ci.md, "Webhooks and Slack".

With --slack it is a message for an incoming webhook of Slack (or Mattermost, or
Rocket.Chat), whose address is secret in itself.

The address is better kept out of the command line, where other users see it: in
$PACER_WEBHOOK_URL, with --slack in $PACER_SLACK_URL. The exit status is 0, or 2
if the receiver could not be told.`,
		Example: `  pacer webhook --file verdict.json
  pacer webhook --slack --file verdict.json
  pacer webhook --file verdict.json --always --dry-run
  pacer webhook --file verdict.json --url https://hooks.example.com/perf`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&o.file, "file", "", "`VERDICT` to tell of; - is standard input")
	cmd.Flags().StringVar(&o.url, "url", "", "`URL` to send it to")
	cmd.Flags().BoolVar(&o.slack, "slack", false, "send a message for Slack, unsigned")
	cmd.Flags().BoolVar(&o.always, "always", false, "send it even if nothing needs a person")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the request and send nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := verdictReport(o.file)
		if err != nil {
			return err
		}
		if !o.always && !report.NeedsAttention(r.Verdict) {
			return c.note("not sent: nothing needs a person")
		}
		return c.send(cmd.Context(), r, o)
	}
	return cmd
}

// send sends the request, or shows it.
func (c *cli) send(ctx context.Context, r *report.Report, o hook) error {
	host, req, err := o.request(r)
	if err != nil {
		return err
	}
	if o.dryRun {
		return showRequest(c.stdout, req)
	}
	client := request.Client{UserAgent: userAgent(), Waiting: func(why string, d time.Duration) {
		fmt.Fprintf(c.stderr, "pacer: %s: trying again in %s\n", why, d.Round(time.Second))
	}}
	answer, err := client.Do(ctx, req)
	if err != nil {
		return fmt.Errorf("not sent: %w", err)
	}
	return c.note("sent to %s: %d %s", host, answer.Status, http.StatusText(answer.Status))
}

// request makes the request.
func (o *hook) request(r *report.Report) (host string, req request.Request, err error) {
	variable := "PACER_WEBHOOK_URL"
	if o.slack {
		variable = "PACER_SLACK_URL"
	}
	address := first(o.url, env(variable))
	u, err := url.Parse(address)
	switch {
	case address == "" && o.dryRun:
		u = &url.URL{Host: "no address yet: $" + variable}
	case address == "":
		return "", req, hint(errors.New("no address to send it to"), "set $%s, or give --url URL", variable)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http": // the address may be a secret
		return "", req, fmt.Errorf("what --url or $%s says is no address: expected https://HOST/PATH", variable)
	}
	// The host alone: the path of a webhook lets everybody send who knows it.
	req = request.Request{Method: http.MethodPost, URL: address, Name: u.Host}
	var body bytes.Buffer
	if o.slack {
		req.Header = http.Header{}
		err = slack.Write(&body, r)
	} else {
		err = event.Write(&body, r)
	}
	if err != nil {
		return "", req, err
	}
	req.Body = body.Bytes()
	switch {
	case o.slack:
	case o.dryRun && env("PACER_WEBHOOK_SECRET") == "":
		req.Header = http.Header{"Webhook-Signature": {"no secret yet: $PACER_WEBHOOK_SECRET"}}
	default:
		if req.Header, err = sign(r, req.Body); err != nil {
			return "", req, err
		}
	}
	req.Header.Set("Content-Type", "application/json")
	return u.Host, req, nil
}

// sign returns the headers that sign an event.
func sign(r *report.Report, body []byte) (http.Header, error) {
	key, err := webhook.Key(env("PACER_WEBHOOK_SECRET"))
	if err != nil {
		return nil, hint(fmt.Errorf("$PACER_WEBHOOK_SECRET: %w", err), "set it to what the receiver has, such as: openssl rand -hex 32")
	}
	e := event.New(r)
	id, err := e.ID()
	if err != nil {
		return nil, err
	}
	return webhook.Sign(key, id, time.Now(), body), nil
}

// showRequest prints a request as it would be sent.
func showRequest(w io.Writer, r request.Request) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s to %s\n", r.Method, r.Name)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&out, "%s: %s\n", name, r.Header.Get(name))
	}
	fmt.Fprintf(&out, "\n%s", r.Body)
	_, err := out.WriteTo(w)
	return err
}
