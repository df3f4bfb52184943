package memory

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
)

// What is done about alerts is kept, or refused, as the store in a file does.
func TestActsAsSQLite(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	file, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	mem, err := New()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	kinds := []history.ActKind{history.Opened, history.Acknowledged, history.Muted, history.Dismissed, history.Fixed, history.Reopened, history.Undone}
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	refused := 0
	for i := range 150 {
		f := &history.Finding{App: []string{"app", "other"}[rng.IntN(2)], Name: "startup", Unit: "s", Run: fmt.Sprint("R", rng.IntN(3)), Why: "regressed", Before: 1, After: 1.2}
		a := history.Act{Alert: f.ID(), Kind: kinds[rng.IntN(len(kinds))], Author: "a", Reason: "for a good reason", Time: at.Add(time.Duration(i) * time.Minute),
			Undoes: rng.IntN(4), Seen: rng.IntN(4)}
		switch a.Kind {
		case history.Opened:
			a.Finding, a.Seen = f, 0
		case history.Muted:
			a.Until = &history.Until{Version: "2.0"}
		}
		want, wantErr := file.Act(ctx, a)
		got, err := mem.Act(ctx, a)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%+v: %v, the file says %v", a, err, wantErr)
		}
		if err != nil {
			refused++
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v (-file +memory):\n%s", a, diff)
		}
	}
	for _, filter := range []history.ActFilter{{}, {App: "app"}, {App: "nobody"}} {
		want, err := file.Acts(ctx, filter)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mem.Acts(ctx, filter)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v (-file +memory):\n%s", filter, err, diff)
		}
	}
	if refused < 20 || refused > 120 {
		t.Errorf("%d of 150 were refused", refused)
	}
}
