package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/feed"
	"github.com/pacer-perf/pacer/run"
)

// windowOf makes a run of the seconds that a request asks for.
func (h *Handler) windowOf(r *http.Request) (*run.Run, error) {
	seconds, err := strconv.Atoi(r.FormValue("seconds"))
	if err != nil || seconds < 1 || seconds > 600 {
		return nil, &problem{status: http.StatusBadRequest, Title: "How long a window?", Text: fmt.Sprintf("seconds=%s: expected a whole number from 1 to 600.", r.FormValue("seconds"))}
	}
	window, err := processOf(h.Source).Feed.Window(r.FormValue("name"), r.FormValue("until"), time.Duration(seconds)*time.Second)
	if errors.Is(err, feed.ErrUnknownWindow) {
		return nil, &problem{status: http.StatusNotFound, Title: "These seconds are gone", Text: "They are kept for ten minutes, and only while somebody looks at Live.", cause: err}
	}
	return window, err
}

// windowJSON hands out a window as a run document, to be kept as a file.
func (h *Handler) windowJSON(w http.ResponseWriter, r *http.Request) error {
	window, err := h.windowOf(r)
	if err != nil {
		return err
	}
	return writeRun(w, window)
}

// keepWindow adds a window to the history, and leads to its comparison.
func (h *Handler) keepWindow(w http.ResponseWriter, r *http.Request) error {
	p := processOf(h.Source)
	if !p.Editing || p.Keep == nil {
		return &problem{status: http.StatusForbidden, Title: "Nothing can be kept here", Text: "This dashboard only reads: the app gave it no history to write to, or no WithEditing. The window can be downloaded instead."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	window, err := h.windowOf(r)
	if err != nil {
		return err
	}
	if err := p.Keep(r.Context(), window); err != nil {
		return err
	}
	return seeOther(w, "compare?b="+window.ID)
}

// runJSON hands out all that was measured since the start.
func (h *Handler) runJSON(w http.ResponseWriter, r *http.Request) error {
	snapshot := processOf(h.Source).Feed.Recorder.Snapshot()
	return writeRun(w, &snapshot)
}

func writeRun(w http.ResponseWriter, r *run.Run) error {
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		return err
	}
	name := strings.Trim(strings.Join([]string{fileWord(r.App), fileWord(r.Version), r.Timestamp.Format("20060102-150405")}, "-"), "-")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".json"}))
	w.Write(out.Bytes())
	return nil
}

// fileWord is a word as a part of a file's name.
func fileWord(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '.' || c == '+' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '-'
	}, s)
}

// switchRecording turns recording off or on.
func (h *Handler) switchRecording(w http.ResponseWriter, r *http.Request) error {
	p := processOf(h.Source)
	if !p.Editing {
		return &problem{status: http.StatusForbidden, Title: "This dashboard only reads", Text: "The app did not turn editing on."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	on := r.FormValue("on")
	if on != "0" && on != "1" {
		return &problem{status: http.StatusBadRequest, Title: "On or off?", Text: fmt.Sprintf("on=%s: expected 1 or 0.", on)}
	}
	p.Feed.Recorder.SetRecording(on == "1")
	back := "./"
	if r.FormValue("card") == "1" {
		back = "./?embed=1&card=1"
	}
	return seeOther(w, back)
}

// seeOther leads to an address that is relative to this one. http.Redirect
// would resolve it against the path that a prefix was stripped of.
func seeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// evidence serves a file about a breach. Only those that the recorder wrote are
// there: a name is looked up in what it reported, and is no path.
func (h *Handler) evidence(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("file")
	file, err := processOf(h.Source).Feed.OpenEvidence(name)
	if errors.Is(err, feed.ErrNoEvidence) {
		return &problem{status: http.StatusNotFound, Title: "There is no such evidence", Text: "No breach that was reported names that file.", cause: err}
	}
	if err != nil {
		return &problem{status: http.StatusNotFound, Title: "This file is not there", Text: "It is being written still, or was removed. A CPU profile is there once it is complete.", cause: err}
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// maxForm is how much a form may send.
const maxForm = 64 << 10
