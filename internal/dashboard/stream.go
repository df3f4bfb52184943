package dashboard

import (
	"errors"
	"net/http"
	"time"

	"github.com/pacer-perf/pacer/internal/feed"
)

// patience is for how long one event may take to reach a reader. One that takes
// longer is gone, or stands in the way of a server that wants to end.
const patience = 30 * time.Second

// events streams what the process measures, as server-sent events: 503 if too
// many look already, 501 where a handler outside hides Flush. The page then asks
// snapshot.json now and then.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead { // who asks for no body wants no stream
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	p := processOf(h.Source)
	f := p.Feed
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after") // a stream that was closed on purpose and is opened anew
	}
	stream, err := f.Open(after)
	if errors.Is(err, feed.ErrFull) {
		w.Header().Set("Retry-After", "5")
		return &problem{status: http.StatusServiceUnavailable, Title: "Too many are looking", Text: "This process has as many live streams open as it allows.", cause: err}
	}
	if err != nil {
		return err
	}
	defer stream.Close()
	p.onShutdown(r)

	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform") // a proxy that compresses would hold events back
	header.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	// Before anything is written, so that there still can be another answer.
	if err := control.Flush(); errors.Is(err, http.ErrNotSupported) {
		for _, name := range []string{"Content-Type", "X-Accel-Buffering"} {
			header.Del(name)
		}
		header.Set("Cache-Control", "no-store")
		return &problem{status: http.StatusNotImplemented, Title: "No streaming here", Text: "A handler outside of the dashboard holds answers back (its ResponseWriter has neither Flush nor Unwrap). The page asks every two seconds instead.", cause: err}
	}
	// The deadlines of the server are for requests that end. Where they cannot
	// be lifted the stream breaks, and the page opens another.
	control.SetReadDeadline(time.Time{})
	b := []byte("retry: 1000\n\n")
	for {
		control.SetWriteDeadline(time.Now().Add(patience))
		if _, err := w.Write(b); err != nil {
			return nil // the reader went away
		}
		if control.Flush() != nil {
			return nil
		}
		event, err := stream.Next(r.Context())
		switch {
		case errors.Is(err, feed.ErrEnded):
			w.Write([]byte("event: ended\ndata: {}\n\n"))
			control.Flush()
			return nil
		case err != nil:
			return nil
		}
		b = append(b[:0], "id: "+event.ID+"\nevent: "+event.Name+"\ndata: "...)
		b = append(append(b, event.Data...), "\n\n"...)
	}
}

// onShutdown ends streams when the server is to end: they would keep it from it.
func (p *Process) onShutdown(r *http.Request) {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return
	}
	if _, known := p.servers.LoadOrStore(server, true); !known {
		server.RegisterOnShutdown(p.Feed.End)
	}
}

// snapshotJSON is the twin of events, for who asks now and then: the events
// after the one named, at once.
func (h *Handler) snapshotJSON(w http.ResponseWriter, r *http.Request) error {
	data := feed.Document(processOf(h.Source).Feed.Since(r.URL.Query().Get("after")))
	w.Header().Set("Content-Type", "application/json")
	w.Write(data)
	return nil
}
