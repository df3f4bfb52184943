package e2e

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/pacer-perf/pacer"
)

// TestLiveScreenshots makes the pictures in docs/live.md, of an app that is at
// work for a while:
//
//	SCREENSHOTS=../docs/live go test -run TestLiveScreenshots
func TestLiveScreenshots(t *testing.T) {
	dir, long := os.Getenv("SCREENSHOTS"), time.Minute
	if dir == "" {
		dir, long = t.TempDir(), time.Second // that it works is tested always
	} else if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	rec := process(t)
	var stop atomic.Bool
	var work sync.WaitGroup
	defer work.Wait()
	defer stop.Store(true)
	for name, median := range map[string]float64{"ui.response": 55e6, "table.filter": 4e6, "track.process": 90e6, "track.process/search": 60e6, "artwork.decode": 3e6, "export.csv": 20e6} {
		timer := rec.Timer(name)
		if name == "table.filter" {
			timer = rec.Timer(name, pacer.L("rows", "1000"))
		}
		work.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(median), 1))
			var kept [][]byte
			for !stop.Load() {
				timer.Record(time.Duration(median * math.Exp(0.25*rng.NormFloat64())))
				if kept = append(kept, make([]byte, 50<<10)); len(kept) > 40 {
					kept = nil
				}
				time.Sleep(time.Duration(5+rng.IntN(30)) * time.Millisecond)
			}
		})
	}
	b := open(t, panel(rec), window{Width: 1060, Height: 900})
	b.visit("live?m=ui.response")
	b.connection("live")
	time.Sleep(long) // for the plots to have something to show
	for _, s := range []struct{ name, path string }{{"live", "live?m=ui.response"}, {"process", ""}} {
		for _, scheme := range []string{"light", "dark"} {
			b.resize(window{Width: 1060, Height: 900, Scheme: scheme})
			if s.path == "" {
				b.visit(s.path)
			}
			b.until("everything to be drawn", `document.readyState === "complete"`)
			time.Sleep(min(long, 1500*time.Millisecond)) // a second more, in these colours
			picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
			b.ok(err)
			small, err := reduce(picture)
			b.ok(err)
			if len(small) == 0 || len(small) > 150<<10 {
				t.Errorf("%s has %d bytes", s.name, len(small))
			}
			b.ok(os.WriteFile(filepath.Join(dir, s.name+"-"+scheme+".png"), small, 0o666))
		}
	}
}
