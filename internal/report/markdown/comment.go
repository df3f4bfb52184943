package markdown

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// Comment is the comment on a pull request.
type Comment struct {
	Body string
	// Marker is the first line of the body, by which the same comment is
	// found again to be edited. There is one for each app, labels and
	// platform.
	Marker string
	// Needed tells whether the comment is worth making: something needs a
	// person, or did in the comment that is there already.
	Needed bool
}

// NewComment returns the comment on a pull request. Earlier is the body of the
// comment that is there already, empty if there is none: where that reported
// something and nothing of it is left, the comment shrinks to say so.
func NewComment(r *report.Report, earlier string) Comment {
	c := Comment{Marker: Marker(r.Verdict)}
	before := reportedIn(earlier)
	attention := report.NeedsAttention(r.Verdict)
	c.Needed = attention || earlier != ""
	d := document{r: r, room: CommentLimit, size: utf8.RuneCountInString}
	head := c.Marker + "\n"
	if attention {
		head += state(r.Verdict)
	}
	d.room -= d.size(head)
	if before != nil && !attention {
		c.Body = head + d.resolved(before)
		return c
	}
	c.Body = head + d.write()
	return c
}

// Marker returns the line by which the comment on a verdict is found.
func Marker(v *judge.Verdict) string {
	env := "unknown"
	if e := v.Current.Environment; e != nil && e.OS != "" {
		env = strings.TrimSuffix(e.OS+"-"+e.Arch, "-")
	}
	return fmt.Sprintf("<!-- pacer-comment v1 project=%s env=%s -->", hidden(report.App(&v.Current)), hidden(env))
}

// hidden writes a word so that it neither ends an HTML comment nor a word.
func hidden(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "--", "%2D%2D")
}

// reported is what a comment reported, as it is kept in its second line.
type reported struct {
	Commit  string         `json:"commit"`
	Metrics []reportedItem `json:"metrics"`
	More    int            `json:"more,omitempty"`
}

type reportedItem struct {
	Name   string `json:"name"`
	Change string `json:"change"`
	By     string `json:"by,omitempty"`
}

const statePrefix, stateSuffix = "<!-- pacer-reported ", " -->\n"

// state is what the comment reports, for the comment that follows it.
func state(v *judge.Verdict) string {
	s := reported{Commit: shortName(&v.Current)}
	metrics := report.ByGravity(v.Metrics)
	for i := range metrics {
		m := &metrics[i]
		if !report.NeedsPerson(m) {
			break
		}
		if len(s.Metrics) == 3 {
			s.More++
			continue
		}
		item := reportedItem{Name: cut(m.Key(), 200), Change: string(m.Change)}
		if m.Ratio != nil {
			item.By = unit.Percent(*m.Ratio)
		}
		s.Metrics = append(s.Metrics, item)
	}
	text, err := json.Marshal(s) // escapes < and >
	if err != nil {
		return "" // strings and numbers cannot fail
	}
	return statePrefix + strings.NewReplacer("--", `-\u002d`, "`", `\u0060`, "@", `\u0040`).Replace(string(text)) + stateSuffix
}

// reportedIn returns what an earlier comment reported, nil if nothing.
func reportedIn(earlier string) *reported {
	_, rest, found := strings.Cut(strings.ReplaceAll(earlier, "\r\n", "\n"), "\n"+statePrefix)
	text, _, ended := strings.Cut(rest, stateSuffix)
	if !found || !ended {
		return nil
	}
	var s reported
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil // somebody edited it: it is a comment like any other
	}
	return &s
}

// resolved is the short form: what was reported is gone.
func (d *document) resolved(before *reported) string {
	var b strings.Builder
	b.WriteString("### = Performance: " + gone(before) + "\n\n")
	b.WriteString(d.compared())
	said := ""
	if len(before.Metrics) > 0 {
		m := &before.Metrics[0]
		said = fmt.Sprintf("; it reported %s %s at %s", code(m.Name), prose(first(m.By, m.Change)), code(cut(before.Commit, 100)))
	}
	b.WriteString(d.foot(said))
	return b.String()
}

// gone says what is left of an earlier report.
func gone(before *reported) string {
	if len(before.Metrics) == 0 {
		return "nothing needs a person any more"
	}
	name, more := code(before.Metrics[0].Name), len(before.Metrics)-1+before.More
	for _, m := range before.Metrics {
		if m.Change != string(judge.Regressed) {
			if more > 0 {
				return fmt.Sprintf("%s and %d more are settled", name, more)
			}
			return name + " is settled"
		}
	}
	if more > 0 {
		return fmt.Sprintf("the regressions in %s and %d more are gone", name, more)
	}
	return fmt.Sprintf("the regression in %s is gone", name)
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
