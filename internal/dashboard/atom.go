package dashboard

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// The feed of regressions is an Atom feed.
//
// Source: RFC 4287, The Atom Syndication Format.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  atomAuthor  `xml:"author"`
	Made    string      `xml:"generator"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomEntry struct {
	ID        string     `xml:"id"`
	Title     string     `xml:"title"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Links     []atomLink `xml:"link"`
	Category  struct {
		Term string `xml:"term,attr"`
	} `xml:"category"`
	Summary string `xml:"summary"`
}

// feedEntries is how many alerts the feed has: the newest.
const feedEntries = 50

// atom serves the alerts as a feed, one entry each. Its id is that of the
// alert, whatever becomes of it; what is muted or not real is not in the feed.
func (h *Handler) atom(w http.ResponseWriter, r *http.Request) error {
	l, err := h.inbox(r, -1)
	if err != nil {
		return err
	}
	base := h.baseOf(r)
	site := cmp.Or(l.Site, "pacer")
	feed := atomFeed{
		ID: "urn:pacer:regressions:" + site, Title: "Regressions of " + site, Made: strings.TrimSpace("pacer " + h.Version), Author: atomAuthor{cmp.Or(l.Site, "pacer")},
		Links: []atomLink{{Rel: "self", Type: "application/atom+xml", Href: base + l.Link("regressions.atom")}, {Rel: "alternate", Type: "text/html", Href: base + l.Link("regressions")}},
	}
	var newest time.Time
	for i := range l.Alerts.List {
		a := &l.Alerts.List[i]
		if a.State == history.StateMuted || a.State == history.StateDismissed {
			continue
		}
		if env := l.Query.Get("env"); env != "" && a.Environment != env {
			continue
		}
		begun, updated := timesOf(a)
		if updated.After(newest) {
			newest = updated
		}
		if len(feed.Entries) == feedEntries {
			break
		}
		e := atomEntry{ID: "urn:pacer:alert:" + a.ID, Title: titleOf(a), Published: begun.Format(time.RFC3339), Updated: updated.Format(time.RFC3339), Summary: summaryOf(a),
			Links: []atomLink{{Rel: "alternate", Type: "text/html", Href: base + l.Link("metric", "m", a.Finding.Key(), "env", a.Environment)}}}
		e.Category.Term = string(a.State)
		feed.Entries = append(feed.Entries, e)
	}
	feed.Updated = newest.UTC().Format(time.RFC3339)
	text, err := xml.MarshalIndent(&feed, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
	w.Write(slices.Concat([]byte(xml.Header), text, []byte("\n")))
	return nil
}

// baseOf is the address of the folder of a request, as its sender sees it: a
// feed is read elsewhere, where a relative address leads nowhere.
func (h *Handler) baseOf(r *http.Request) string {
	scheme := "http"
	if h.Secure || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	dir, _ := path.Split(strings.SplitN(r.RequestURI, "?", 2)[0])
	return scheme + "://" + r.Host + dir
}

// timesOf is when an alert began, and when something about it changed last.
func timesOf(a *alert.Alert) (begun, updated time.Time) {
	if a.Bad.Timestamp != nil {
		begun = a.Bad.Timestamp.UTC()
	}
	updated = begun
	later := func(t time.Time) {
		if t.After(updated) {
			updated = t.UTC()
		}
	}
	if a.Back != nil && a.Back.Timestamp != nil {
		later(*a.Back.Timestamp)
	}
	for i := range a.Acts {
		later(a.Acts[i].Time)
	}
	return begun, updated
}

// titleOf says an alert in a line: startup is 19.7 % slower since 2.4.1.
func titleOf(a *alert.Alert) string {
	f := &a.Finding
	text := f.Key() + " got worse"
	if ratio := f.After / f.Before; f.Before > 0 && f.After > 0 {
		text = f.Key() + " " + percent(ratio)
	}
	return text + " since " + name(&a.Bad)
}

// summaryOf says what is known of an alert.
func summaryOf(a *alert.Alert) string {
	f := &a.Finding
	scale := unit.ScaleOf(cmp.Or(f.Before, f.After), f.Unit)
	parts := []string{fmt.Sprintf("%s to %s", quantity(scale, f.Before), quantity(scale, f.After)), string(a.State)}
	if note := noteOf(a, scale); note != "" {
		parts = append(parts, note)
	}
	if f.Environment != "" {
		parts = append(parts, f.Environment)
	}
	if a.Good != nil {
		parts = append(parts, fmt.Sprintf("after %s, with %s", report.RunName(a.Good), report.RunName(&a.Bad)))
	}
	return strings.Join(parts, "; ") + "."
}
