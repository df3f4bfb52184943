// Package slack says verdicts as messages of Slack, in the shape that its
// incoming webhooks take, and those of Mattermost and Rocket.Chat.
//
// Names and messages of run documents cannot break out: no mention, no link.
package slack

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

const (
	most      = 10   // metrics that are listed
	lineLimit = 250  // characters of one of them, and of other lines
	textLimit = 2900 // of a section; Slack refuses more than 3,000
)

type message struct {
	Text   string  `json:"text"` // what a notification shows
	Blocks []block `json:"blocks"`
}

type block struct {
	Type     string `json:"type"`
	Text     *text  `json:"text,omitempty"`
	Elements []text `json:"elements,omitempty"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func section(s string) block {
	return block{Type: "section", Text: &text{"mrkdwn", s}}
}

// Write writes the message.
func Write(w io.Writer, r *report.Report) error {
	v := r.Verdict
	shape, sentence := report.Headline(v, code, func(s string) string { return escape(cut(s, lineLimit)) })
	head := fmt.Sprintf("%s *%s performance: %s*", shape, escape(report.App(&v.Current)), sentence)
	m := message{Text: fmt.Sprintf("%s %s performance: %s", shape, escape(report.App(&v.Current)), sentence)}
	m.Blocks = append(m.Blocks, section(head))
	if list := metrics(v); list != "" {
		m.Blocks = append(m.Blocks, section(list))
	}
	if reasons := report.OtherReasons(v); len(reasons) > 0 {
		m.Blocks = append(m.Blocks, section(cut(escape(strings.Join(reasons, "\n")), textLimit)))
	}
	m.Blocks = append(m.Blocks, block{Type: "context", Elements: []text{{"mrkdwn", context(r)}}})
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

// metrics lists those that need a person.
func metrics(v *judge.Verdict) string {
	var lines []string
	more, size := 0, 0
	for _, r := range report.Rows(v) {
		if !report.NeedsPerson(r.Metric) {
			break
		}
		line := "• " + row(&r)
		if size += len([]rune(line)) + 1; len(lines) == most || size > textLimit {
			more++
			continue
		}
		lines = append(lines, line)
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func row(r *report.Row) string {
	words := []string{code(r.Name), escape(report.Change(r.Metric))}
	if r.By != "" {
		words = append(words, r.By)
	}
	if r.Value != "" && r.Base != "" {
		words = append(words, fmt.Sprintf("(%s, was %s)", escape(r.Value), escape(r.Base)))
	} else if r.Value != "" {
		words = append(words, "("+escape(r.Value)+")")
	}
	if r.Status != "" && r.Status != judge.Within && r.Status != judge.NoBudget {
		words = append(words, string(r.Status)+", "+r.Share)
	}
	return strings.Join(words, " ")
}

// context says what was compared with what, and where there is more.
func context(r *report.Report) string {
	v := r.Verdict
	words := []string{escape(cut(report.RunName(&v.Current), lineLimit))}
	if n := len(v.Baseline.Runs); n > 0 {
		words[0] += " against " + escape(cut(report.RunName(&v.Baseline.Runs[n-1]), lineLimit))
	}
	words = append(words, report.Counts(v.Metrics))
	if r.URL != "" && strings.HasPrefix(r.URL, "http") {
		words = append(words, "<"+strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "&", "&amp;", " ", "%20").Replace(r.URL)+"|Full report>")
	}
	return strings.Join(words, " · ")
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape writes text so that Slack shows it as it is: the signs of markup get a
// sign of no width before them.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteByte('\n')
		case report.Control(r):
			b.WriteByte(' ')
		case strings.ContainsRune("*_~`@", r):
			b.WriteRune(r)
			b.WriteRune('\u200b')
		default:
			b.WriteRune(r)
		}
	}
	return escaper.Replace(b.String())
}

// code writes a name as a code span.
func code(s string) string {
	s = strings.Map(func(r rune) rune {
		if report.Control(r) {
			return ' '
		}
		return r
	}, cut(s, lineLimit))
	return "`" + escaper.Replace(strings.ReplaceAll(s, "`", "'")) + "`"
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
