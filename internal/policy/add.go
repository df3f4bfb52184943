package policy

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/pacer-perf/pacer/internal/judge"
)

// WaiversFile is the name of the file of waivers, beside pacer.yaml.
const WaiversFile = "pacer.waivers.yaml"

// ErrByHand is returned for a file of waivers that is written in a way which
// AddWaiver cannot add to without changing what is there.
var ErrByHand = errors.New("the file is written in a way that cannot be added to")

// WaivedError is a metric that has a waiver already.
type WaivedError struct{ Waiver judge.Waiver }

func (e *WaivedError) Error() string {
	return fmt.Sprintf("%s: %s is accepted already, until it ends %s: %s", e.Waiver.Place, e.Waiver.Metric, e.Waiver.End(), e.Waiver.Reason)
}

// AddWaiver adds a waiver to the text of a file, which may be empty, and
// returns the new text: every other line stays as it is. What is returned reads
// back as the old waivers and the new one.
//
// If the same pattern has a waiver that has not ended by w.Since, the error is
// a *WaivedError; with replace, the waivers of that pattern are taken out
// instead, with the comments inside them. The error is an *Error if the text
// does not read, or if w would not; it is ErrByHand for a list that is not one
// item a line.
func AddWaiver(text []byte, w judge.Waiver, replace bool) ([]byte, error) {
	old, err := ReadWaivers(bytes.NewReader(text), WaiversFile)
	if err != nil {
		return nil, err
	}
	w.Reason, w.Author, w.UntilVersion = strings.TrimSpace(w.Reason), strings.TrimSpace(w.Author), strings.TrimSpace(w.UntilVersion)
	same := func(o judge.Waiver) bool { return o.Metric == w.Metric }
	for _, o := range old {
		ended := !o.Until.IsZero() && !w.Since.Before(o.Until)
		if same(o) && !ended && !replace {
			return nil, &WaivedError{Waiver: o}
		}
	}
	if !utf8.ValidString(w.Reason) || !utf8.ValidString(w.Author) || !utf8.ValidString(w.UntilVersion) {
		return nil, errors.New("the waiver holds text that is not UTF-8")
	}
	out, err := insert(text, &w, func(i int) bool { return replace && same(old[i]) })
	if err != nil {
		return nil, err
	}
	if replace {
		old = slices.DeleteFunc(old, same)
	}
	got, err := ReadWaivers(bytes.NewReader(out), WaiversFile)
	if err != nil {
		// Is it the new one that does not read, or the file around it?
		if _, alone := ReadWaivers(strings.NewReader(waiversHead+item(&w, "  ", "\n")), WaiversFile); alone != nil {
			return nil, alone
		}
		return nil, ErrByHand
	}
	if !slices.EqualFunc(got, append(old, w), equalWaivers) {
		return nil, ErrByHand
	}
	return out, nil
}

// RemoveWaiver takes a waiver out of the text of a file and returns the new
// text: every other line stays as it is. Without the waiver, as w has it, the
// text is returned as it was. Errors are those of AddWaiver.
func RemoveWaiver(text []byte, w judge.Waiver) ([]byte, error) {
	old, err := ReadWaivers(bytes.NewReader(text), WaiversFile)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(old, func(o judge.Waiver) bool { return equalWaivers(o, w) })
	if at < 0 {
		return text, nil
	}
	_, body, err := parse(bytes.NewReader(text), WaiversFile)
	if err != nil {
		return nil, err
	}
	seq := listOf(body)
	if seq == nil || seq.IsFlowStyle || at >= len(seq.Entries) {
		return nil, ErrByHand
	}
	out := []byte(strings.Join(withoutItem(strings.SplitAfter(string(text), "\n"), seq.Entries[at].Start), ""))
	got, err := ReadWaivers(bytes.NewReader(out), WaiversFile)
	if err != nil || !slices.EqualFunc(got, slices.Delete(slices.Clone(old), at, at+1), equalWaivers) {
		return nil, ErrByHand
	}
	return out, nil
}

// equalWaivers compares what waivers say, wherever they stand.
func equalWaivers(a, b judge.Waiver) bool {
	return a.Metric == b.Metric && a.Reason == b.Reason && a.Author == b.Author && a.Since.Equal(b.Since) &&
		a.UntilVersion == b.UntilVersion && a.Until.Equal(b.Until) && math.Abs(a.WorseBy-b.WorseBy) < 1e-9
}

const waiversHead = "waivers:\n"

// insert returns the text without the items to be left out, and with a waiver
// behind the others.
func insert(text []byte, w *judge.Waiver, leaveOut func(i int) bool) ([]byte, error) {
	eol := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		eol = "\r\n"
	}
	_, body, err := parse(bytes.NewReader(text), WaiversFile)
	if err != nil {
		return nil, err
	}
	s := string(text)
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += eol
	}
	seq := listOf(body)
	switch {
	case body == nil:
		return []byte(s + strings.ReplaceAll(waiversHead, "\n", eol) + item(w, "  ", eol)), nil
	case seq == nil: // the key alone
		return []byte(s + item(w, "  ", eol)), nil
	case seq.IsFlowStyle && len(seq.Values) == 0:
		line := seq.Start.Position.Line - 1
		lines := strings.SplitAfter(s, "\n")
		at := emptyList.FindStringIndex(lines[line])
		if at == nil {
			return nil, ErrByHand
		}
		lines[line] = lines[line][:at[0]] + lines[line][at[1]:] + item(w, "  ", eol)
		return []byte(strings.Join(lines, "")), nil
	case seq.IsFlowStyle:
		return nil, ErrByHand
	}
	lines := strings.SplitAfter(s, "\n")
	indent := strings.Repeat(" ", max(0, seq.Start.Position.Column-1))
	for i := len(seq.Entries) - 1; i >= 0; i-- {
		if leaveOut(i) {
			lines = withoutItem(lines, seq.Entries[i].Start)
		}
	}
	return []byte(strings.Join(lines, "") + item(w, indent, eol)), nil
}

var emptyList = regexp.MustCompile(`\s*\[\s*\]`)

// listOf returns the list of waivers of a document, nil if there is none.
func listOf(body ast.Node) *ast.SequenceNode {
	switch n := body.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			seq, _ := n.Values[0].Value.(*ast.SequenceNode)
			return seq
		}
	case *ast.MappingValueNode:
		seq, _ := n.Value.(*ast.SequenceNode)
		return seq
	}
	return nil
}

// withoutItem takes the item out that begins with a dash: its line and those
// below that are indented more. Blank lines behind it stay.
func withoutItem(lines []string, dash *token.Token) []string {
	first, column := dash.Position.Line-1, dash.Position.Column-1
	end := first + 1
	for i := end; i < len(lines); i++ {
		body := strings.TrimRight(lines[i], "\r\n")
		if strings.TrimSpace(body) == "" {
			continue
		}
		if len(body)-len(strings.TrimLeft(body, " ")) <= column {
			break
		}
		end = i + 1
	}
	return slices.Delete(slices.Clone(lines), first, end)
}

// item writes a waiver as an item of the list.
func item(w *judge.Waiver, indent, eol string) string {
	var b strings.Builder
	lead := indent + "- "
	add := func(key, value string) {
		b.WriteString(lead + key + ": " + value + eol)
		lead = indent + "  "
	}
	add("metric", scalar(string(w.Metric)))
	add("reason", quote(w.Reason))
	if w.Author != "" {
		add("author", quote(w.Author))
	}
	if !w.Since.IsZero() {
		since := w.Since.UTC()
		layout := time.RFC3339Nano
		if since.Equal(since.Truncate(24 * time.Hour)) {
			layout = time.DateOnly
		}
		add("since", since.Format(layout))
	}
	if w.UntilVersion != "" {
		add("until_version", quote(w.UntilVersion))
	}
	if !w.Until.IsZero() {
		add("until", w.LastDay())
	}
	if w.WorseBy != 0 {
		add("worse_by", strconv.FormatFloat(math.Round(w.WorseBy*1e10)/1e8, 'f', -1, 64)+"%")
	}
	return b.String()
}

// plainForm is text that YAML takes for text without quotes, keywordForm what
// it makes something else of.
var (
	plainForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	keywordForm = regexp.MustCompile(`(?i)^(?:true|false|yes|no|on|off|null|y|n)$`)
)

func scalar(s string) string {
	if plainForm.MatchString(s) && !keywordForm.MatchString(s) {
		return s
	}
	return quote(s)
}

// quote writes text in double quotes: the escapes of Go are escapes of YAML.
func quote(s string) string { return strconv.Quote(s) }
