package memory

import (
	"context"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
)

// Act adds to the log of an alert, as history.Store has it.
func (h *History) Act(_ context.Context, a history.Act) (history.Act, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept, add, err := history.Advance(h.selected(history.ActFilter{Alert: a.About()}), a, time.Now())
	if err == nil && add {
		h.acts = append(h.acts, kept)
	}
	return kept, err
}

// Acts returns what was done about alerts, in the order in which it was done.
func (h *History) Acts(_ context.Context, f history.ActFilter) ([]history.Act, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.selected(f), nil
}

func (h *History) selected(f history.ActFilter) []history.Act {
	var list []history.Act
	for _, a := range h.acts {
		if (f.App == "" || a.App == f.App) && (f.Alert == "" || a.Alert == f.Alert) {
			list = append(list, a)
		}
	}
	return list
}
