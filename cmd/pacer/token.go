package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pacer-perf/pacer/internal/access"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/server"
)

func (c *cli) token() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke the tokens of a server",
		Long: `A token lets a program or a person in at pacer serve. It is for the runs of one
app or of all, and may do what its roles say:

  ingest  send runs
  read    see runs, series, verdicts and alerts
  write   read; set baselines and act on alerts
  admin   everything, also make and revoke tokens

Tokens are kept in the history, as hashes: what create prints is nowhere else.
As long as there are none, pacer serve serves this machine alone and asks
nobody.`,
		Example: `  pacer token create --name me --role admin
  pacer token create --name ci --app cuepoint --role ingest,read --expires 365d
  pacer token list
  pacer token revoke 7k2m9x0qaz`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.tokenCreate(), c.tokenList(), c.tokenRevoke())
	return cmd
}

// operator is who calls the command, for the audit log.
func operator() server.Who {
	name := "command line"
	if u, err := user.Current(); err == nil {
		name = u.Username + " on the command line"
	}
	return server.Who{Name: name}
}

func (c *cli) tokenCreate() *cobra.Command {
	var want server.NewToken
	expires := ""
	cmd := &cobra.Command{
		Use:   "create --name NAME --role ROLE [flags]",
		Short: "Make a token, and print it this once",
		Long: `Create makes a token and prints it to standard output, this once: only a hash of
it is kept. Give it to programs as $PACER_TOKEN.`,
		Example: `  pacer token create --name me --role admin
  pacer token create --name ci --app cuepoint --role ingest,read --expires 365d
  pacer token create --name ci --role ingest >token.txt`,
		Args: exactArgs(0),
	}
	cmd.Flags().StringVar(&want.Name, "name", "", "what it is for: the `NAME` in lists and in the audit log")
	cmd.Flags().StringVar(&want.App, "app", "", "only for the runs of this `APP`")
	cmd.Flags().StringSliceVar(&want.Roles, "role", nil, "what it may do: `ROLE` is ingest, read, write or admin; may be given again")
	cmd.Flags().StringVar(&expires, "expires", "", "after so many `DAYS`, as 90d (default: never)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if expires != "" {
			days := daysForm.FindStringSubmatch(expires)
			if days == nil {
				return hint(fmt.Errorf("--expires %q: expected a number of days", expires), "--expires 90d")
			}
			if _, err := fmt.Sscan(days[1], &want.Days); err != nil || want.Days == 0 {
				return hint(fmt.Errorf("--expires %q: expected a number of days", expires), "--expires 90d")
			}
		}
		store, err := writeHistory(cmd.Context())
		if err != nil {
			return err
		}
		defer store.Close()
		before, err := store.HasTokens(cmd.Context())
		if err != nil {
			return err
		}
		t, secret, err := server.CreateToken(cmd.Context(), store, operator(), want, time.Now())
		if err != nil {
			return hint(err, "pacer token create --name ci --role ingest")
		}
		if _, err := fmt.Fprintln(c.stdout, secret); err != nil {
			return err
		}
		fmt.Fprintf(c.stderr, "token %s: %s, for %s; it is shown this once. End it: pacer token revoke %s\n", t.ID, strings.Join(t.Roles, ", "), first(t.App, "any app"), t.ID)
		if !before {
			fmt.Fprintln(c.stderr, "it is the first one: from now on pacer serve lets in only who has a token")
			if roles, err := access.ParseRoles(t.Roles...); err == nil && !roles.May(access.Read) {
				fmt.Fprintln(c.stderr, "hint: nobody can sign in with this one; for that: pacer token create --name me --role admin")
			}
		}
		return nil
	}
	return cmd
}

func (c *cli) tokenList() *cobra.Command {
	app := ""
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List tokens, and when they were used last",
		Long:    "List shows the tokens of the history, newest first, and when each was used\nlast, to the minute. Their secrets are not there.",
		Example: "  pacer token list\n  pacer token list --app cuepoint --format json",
		Args:    exactArgs(0),
	}
	cmd.Flags().StringVar(&app, "app", "", "only tokens of this `APP`")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		as, err := format()
		if err != nil {
			return err
		}
		tokens, err := tokensOf(cmd.Context(), app)
		if err != nil {
			return err
		}
		if as == "json" {
			list := server.Tokens{Tokens: []server.Token{}}
			for i := range tokens {
				list.Tokens = append(list.Tokens, server.TokenOf(&tokens[i]))
			}
			return writeJSON(c.stdout, list)
		}
		if len(tokens) == 0 {
			fmt.Fprintln(c.stderr, "there are no tokens; make one: pacer token create --name me --role admin")
			return nil
		}
		now := time.Now()
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tAPP\tROLES\tUSED\tENDS")
		for i := range tokens {
			t := &tokens[i]
			ends := t.Ended(now)
			if ends == "" {
				ends = day(t.Expires)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, first(t.App, "any"), strings.Join(t.Roles, ","), day(t.Used), ends)
		}
		return w.Flush()
	}
	return cmd
}

// day is a date, or never.
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}

// tokensOf reads the tokens of the history, which need not be there.
func tokensOf(ctx context.Context, app string) ([]history.Token, error) {
	store, err := changeHistory(ctx)
	if errors.Is(err, errNoHistory) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.Tokens(ctx, app)
}

func (c *cli) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID...",
		Short:   "End tokens, and who signed in with them, at once",
		Long:    "Revoke ends tokens by their ids, which pacer token list shows: from the next\nrequest on they let nobody in, at every server over this history.",
		Example: "  pacer token revoke 7k2m9x0qaz",
		Args:    atLeast(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := changeHistory(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			for _, id := range args {
				// What was pasted may be the token itself.
				if rest, ok := strings.CutPrefix(id, "pacer_"); ok {
					id, _, _ = strings.Cut(rest, "_")
				}
				t, err := server.RevokeToken(cmd.Context(), store, operator(), id, time.Now())
				if errors.Is(err, history.ErrNotFound) {
					return hint(fmt.Errorf("there is no token %s", id), "see what there is: pacer token list")
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(c.stderr, "token %s (%s) is revoked\n", t.ID, t.Name)
			}
			return nil
		},
	}
}
