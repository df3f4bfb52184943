package app

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/loopback"
	"github.com/pacer-perf/pacer/pacerhttp"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"number": number}).ParseFS(web, "web/*.html"))

const (
	pageRows  = 100 // of the table without script
	blockRows = 200 // at most, of one answer to a script
	policy    = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

// window is CuePoint as a person sees it: the table of tracks, and Settings.
type window struct {
	*shelf
	response *pacer.Timer // of each request
	visible  *pacer.Timer // from a key press until the rows are on the screen, told by the browser
}

// newWindow returns the window of a shelf. Settings shows its performance, and
// that of the runs in the folder history, "" for none.
func newWindow(s *shelf, history string) http.Handler {
	w := &window{shelf: s, response: s.rec.Timer("ui.response", uiBudget), visible: s.rec.Timer("ui.filter.visible", uiBudget)}
	own := http.NewServeMux()
	own.HandleFunc("GET /{$}", w.table)
	own.HandleFunc("GET /rows", w.block)
	own.HandleFunc("GET /progress", w.howFar)
	own.HandleFunc("POST /match", w.begin)
	own.HandleFunc("POST /stop", w.end)
	own.HandleFunc("POST /beacon", w.beacon)
	own.HandleFunc("GET /settings", w.settings)
	own.Handle("GET /web/", http.FileServerFS(web))

	options := []pacerhttp.DashboardOption{pacerhttp.WithTitle("CuePoint"), pacerhttp.WithBudgets(otherBudgets), pacerhttp.WithEditing()}
	if history != "" {
		options = append(options, pacerhttp.WithHistory(pacerhttp.Folder(history)))
	}
	all := http.NewServeMux()
	all.Handle("/", w.timed(own))
	all.Handle("/settings/performance/", http.StripPrefix("/settings/performance", pacerhttp.Dashboard(s.rec, options...)))
	return loopback.Only(http.NewCrossOriginProtection().Handler(all), "Open http://localhost instead.")
}

// timed times each request, and sets the headers of every answer.
func (w *window) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer w.response.Start().Stop()
		h := rw.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(rw, r)
	})
}

// tableView is the page of the table.
type tableView struct {
	Library    string
	Query      string
	Rows       []cells
	Left, All  int
	First      int // number of the first row, from 0
	Prev, Next string
	Progress   progress
}

// cells are what a row shows.
type cells struct {
	Title, Artist, Mix, BPM, Key, Genre, Label, Year string
	Status, Found                                    string
}

func cellsOf(r row) cells {
	c := cells{
		Title: r.subject.Title, Artist: r.subject.Artist, Mix: r.subject.Mix, BPM: bpm(r.track.BPM), Key: r.track.Key,
		Genre: r.track.Genre, Label: r.track.Label, Year: year(r.track.Year), Status: string(r.result.Status),
	}
	if found := r.result.Recording; found.ID != "" {
		c.Found = fmt.Sprintf("%s - %s, %s", found.Artist, found.Title, score(r.result))
	}
	return c
}

func (w *window) table(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := tableView{Library: w.name, Query: q.Get("q"), Progress: w.progress(), All: len(w.tracks)}
	page, _ := strconv.Atoi(q.Get("page"))
	v.First = max(0, page-1) * pageRows
	rows, left := w.rows(v.Query, v.First, pageRows)
	v.Left = left
	for _, r := range rows {
		v.Rows = append(v.Rows, cellsOf(r))
	}
	to := func(page int) string {
		return "./?" + url.Values{"q": {v.Query}, "page": {strconv.Itoa(page)}}.Encode()
	}
	if v.First > 0 && left > 0 {
		v.Prev = to(min(page-1, (left-1)/pageRows+1))
	}
	if v.First+len(rows) < left {
		v.Next = to(max(page, 1) + 1)
	}
	w.render(rw, "table.html", v)
}

func (w *window) settings(rw http.ResponseWriter, r *http.Request) {
	w.render(rw, "settings.html", struct {
		Library   string
		All       int
		Version   string
		Recording bool
	}{w.name, len(w.tracks), Version, w.rec.Recording()})
}

// render writes a page, whole or not at all.
func (w *window) render(rw http.ResponseWriter, name string, data any) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		slog.Error("cuepoint: page", "name", name, "err", err)
		http.Error(rw, "the page could not be made", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Write(out.Bytes())
}

// block answers with a part of the filtered table: {"left", "first", "rows"},
// a row being the texts of its cells.
func (w *window) block(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	first, err1 := strconv.Atoi(q.Get("first"))
	n, err2 := strconv.Atoi(q.Get("n"))
	if err1 != nil || err2 != nil || first < 0 || n < 0 || n > blockRows {
		http.Error(rw, fmt.Sprintf("first=%s, n=%s: expected whole numbers, n at most %d", q.Get("first"), q.Get("n"), blockRows), http.StatusBadRequest)
		return
	}
	rows, left := w.rows(q.Get("q"), first, n)
	list := make([][]string, 0, len(rows))
	for _, r := range rows {
		c := cellsOf(r)
		list = append(list, []string{c.Title, c.Artist, c.Mix, c.BPM, c.Key, c.Genre, c.Year, c.Status, c.Found})
	}
	writeJSON(rw, map[string]any{"left": left, "first": first, "rows": list})
}

func (w *window) howFar(rw http.ResponseWriter, r *http.Request) {
	p := w.progress()
	writeJSON(rw, map[string]any{"done": p.Done, "total": p.Total, "running": p.Running, "error": p.Error})
}

func writeJSON(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(v)
}

func (w *window) begin(rw http.ResponseWriter, r *http.Request) {
	w.start()
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

func (w *window) end(rw http.ResponseWriter, r *http.Request) {
	w.stop()
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// beacon takes what the browser measured: {"filter": [milliseconds, …]}, how
// long it took from each key press until its rows were on the screen.
func (w *window) beacon(rw http.ResponseWriter, r *http.Request) {
	var seen struct{ Filter []float64 }
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 16<<10)).Decode(&seen); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	for _, ms := range seen.Filter {
		if !(ms >= 0 && ms < 60_000) {
			http.Error(rw, fmt.Sprintf("%v ms: expected less than a minute", ms), http.StatusBadRequest)
			return
		}
	}
	for _, ms := range seen.Filter {
		w.visible.Record(time.Duration(ms * float64(time.Millisecond)))
	}
	rw.WriteHeader(http.StatusNoContent)
}

// number writes thousands as people do.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
