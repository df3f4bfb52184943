package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command says what it does and gives an example, every flag says what
// it is for, and the help keeps to 80 columns.
func TestHelp(t *testing.T) {
	t.Parallel()
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" || !strings.Contains(cmd.Example, "pacer ") {
			t.Errorf("%s: no short text or no example", cmd.CommandPath())
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s: no usage", cmd.CommandPath(), f.Name)
			}
		})
		for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: more than 80 columns: %s", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	var out bytes.Buffer
	visit((&cli{stdout: &out, stderr: &out}).command())
}

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := []struct{ args, want []string }{
		{[]string{"app", "--fast", "file.xml"}, []string{"app", "--fast", "file.xml"}},
		{[]string{"app", "--token", "t", "x"}, []string{"app", "--token", redacted, "x"}},
		{[]string{"app", "--api-key=k", "-password", "p"}, []string{"app", "--api-key=" + redacted, "-password", redacted}},
		{[]string{"app", "--password", "-y12"}, []string{"app", "--password", redacted}},
		{[]string{"curl", "-H", "Authorization: Bearer y2"}, []string{"curl", "-H", "Authorization: Bearer " + redacted}},
		{[]string{"curl", "--header=X-Api-Key: y3"}, []string{"curl", "--header=X-Api-Key: " + redacted}},
		{[]string{"curl", "-u", "me:y14", "https://y15@host/"}, []string{"curl", "-u", "me:" + redacted, "https://" + redacted + "@host/"}},
		{[]string{"curl", "https://h/?a=1&token=y11&b=2"}, []string{"curl", "https://h/?a=1&token=" + redacted + "&b=2"}},
		{[]string{"app", "--url=https://h/?access_token=y11"}, []string{"app", "--url=https://h/?access_token=" + redacted}},
		{[]string{"app", "--token:y7"}, []string{"app", "--token:" + redacted}},
		{[]string{"sh", "-c", "API_TOKEN=y1 app --password y2 x; echo done"}, []string{"sh", "-c", "API_TOKEN=" + redacted + " app --password " + redacted + " x; echo done"}},
		{[]string{"app", "ghp_abcdefgh1234", "--accessToken=y"}, []string{"app", redacted, "--accessToken=" + redacted}},
		{[]string{"app", "--author=me", "--session-count=3", "--tokenizer", "bpe", "--monkey=1"}, []string{"app", "--author=me", "--session-count=3", "--tokenizer", "bpe", "--monkey=1"}},
		{[]string{"env", "DB_PASSWORD=p", "PATH=/bin"}, []string{"env", "DB_PASSWORD=" + redacted, "PATH=/bin"}},
		{[]string{"curl", "https://me:p@host/x?y=1"}, []string{"curl", "https://me:" + redacted + "@host/x?y=1"}},
		{[]string{"app", "--url=postgres://me:p@host/db"}, []string{"app", "--url=postgres://me:" + redacted + "@host/db"}},
		{[]string{"app", "--keyboard", "de", "--author", "x"}, []string{"app", "--keyboard", "de", "--author", "x"}},
	}
	for _, tt := range tests {
		before := slices.Clone(tt.args)
		if diff := cmp.Diff(tt.want, redact(tt.args)); diff != "" {
			t.Errorf("redact(%q) (-want +got):\n%s", tt.args, diff)
		}
		if !slices.Equal(before, tt.args) {
			t.Errorf("redact changed its argument: %q", tt.args)
		}
	}
}
