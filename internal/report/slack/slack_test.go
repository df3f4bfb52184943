package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// valid holds a message to Slack's limits: 50 blocks, 3,000 characters of a
// section.
func valid(body []byte) error {
	var m message
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return err
	}
	if m.Text == "" || len(m.Blocks) == 0 || len(m.Blocks) > 50 {
		return fmt.Errorf("%d blocks", len(m.Blocks))
	}
	for _, b := range m.Blocks {
		texts := b.Elements
		if b.Text != nil {
			texts = append(texts, *b.Text)
		}
		for _, t := range texts {
			if n := utf8.RuneCountInString(t.Text); n == 0 || n > 3000 {
				return fmt.Errorf("a text of %d characters", n)
			}
		}
	}
	return nil
}

func TestSlack(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Write, ".json", valid)
	long := reporttest.Many(500, 20)
	for i := range long.Verdict.Metrics {
		long.Verdict.Metrics[i].Name += strings.Repeat("&`é", 300)
	}
	long.Verdict.Reasons = append(long.Verdict.Reasons, strings.Repeat("<r>", 3000))
	var out bytes.Buffer
	if err := Write(&out, long); err != nil {
		t.Fatal(err)
	}
	if err := valid(out.Bytes()); err != nil {
		t.Error(err)
	}
}

// Whatever names and messages hold, nobody is called and nothing is linked.
func TestHostile(t *testing.T) {
	t.Parallel()
	r := reporttest.Hostile()
	r.Verdict.Reasons = append(r.Verdict.Reasons, "<!channel> <https://evil.example|click> @here *bold*")
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	all := m.Text
	for _, b := range m.Blocks {
		if b.Text != nil {
			all += "\n" + b.Text.Text
		}
		for _, e := range b.Elements {
			all += "\n" + e.Text
		}
	}
	for _, bad := range []string{"<!", "<http", "<script", "@here", "*bold*", "\x1b"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q is in\n%s", bad, all)
		}
	}
}
