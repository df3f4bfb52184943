package e2e

import (
	"math"
	"math/rand/v2"
	"os"
	goruntime "runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/pacer-perf/pacer"
)

// TestSoak keeps Live open over an app that does a million operations a second,
// and watches that both sides stay as large as they were and the page goes on
// being drawn. It is short here; for ten minutes, with what it saw each minute:
//
//	SOAK=10m go test -run Soak -v -timeout 20m
func TestSoak(t *testing.T) {
	long, every := 6*time.Second, 2*time.Second
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SOAK=%s: expected a duration such as 10m", text)
		}
		every = min(long/3, time.Minute)
	} else {
		t.Parallel()
	}
	rec := pacer.New(pacer.Config{App: "busy", Logger: silent})
	if rec == nil {
		t.Fatal("PACER_DISABLED is set: nothing would be recorded")
	}
	var stop atomic.Bool
	ended := make(chan struct{})
	go func() { defer close(ended); busy(rec, &stop) }()
	defer func() { stop.Store(true); <-ended }()

	b := open(t, panel(rec), window{}, long+patience)
	b.visit("live")
	b.connection("live")
	b.until("the operations", `document.querySelectorAll("#rows tr").length === 10`)
	eval[bool](b, `(() => {
		window.drawn = 0; window.slow = 0; window.frames = 0;
		new MutationObserver(() => window.drawn++).observe(document.querySelector("#rate"), { childList: true, characterData: true, subtree: true });
		let last = performance.now();
		requestAnimationFrame(function frame(now) { window.frames++; if (now - last > 100) window.slow++; last = now; requestAnimationFrame(frame) });
		return true;
	})()`)
	sizes := func() (page, app float64) {
		b.ok(command(b.ctx, heapprofiler.CollectGarbage, cdp.Empty{}))
		use, err := chromedp.Call(b.ctx, runtime.GetHeapUsage, cdp.Empty{})
		b.ok(err)
		goruntime.GC()
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		return use.UsedSize / (1 << 20), float64(m.HeapAlloc) / (1 << 20)
	}
	firstPage, firstApp := sizes()
	for end := time.Now().Add(long); time.Now().Before(end); {
		select {
		case <-b.ctx.Done():
			t.Fatal(b.ctx.Err())
		case <-time.After(every):
		}
		page, app := sizes()
		t.Logf("page %.1f MB (at first %.1f), process %.1f MB (%.1f); %s samples/s, drawn %v times; %v of %v frames took over 100 ms", page, firstPage, app, firstApp,
			eval[string](b, `document.querySelector("#rate").textContent`), eval[float64](b, "window.drawn"), eval[float64](b, "window.slow"), eval[float64](b, "window.frames"))
		// Ten minutes of ten operations are some megabytes on either side.
		if page > firstPage+30 || app > firstApp+40 {
			t.Errorf("they grow: the page from %.1f to %.1f MB, the process from %.1f to %.1f MB", firstPage, page, firstApp, app)
		}
	}
	b.connection("live")
	// Half as often as there is a step is enough on a machine that has more to do.
	if n := eval[float64](b, "window.drawn"); n < long.Seconds()/2-2 {
		t.Errorf("drawn %v times in %v", n, long)
	}
}

// busy does ten operations, a million in a second as far as the machine lets it.
func busy(rec *pacer.Recorder, stop *atomic.Bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	latencies := make([]time.Duration, 4096)
	for i := range latencies {
		latencies[i] = time.Duration(1e6 * math.Exp(rng.NormFloat64()))
	}
	var timers []*pacer.Timer
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		timers = append(timers, rec.Timer("op."+name))
	}
	began, n := time.Now(), 0
	for !stop.Load() {
		for due := int(time.Since(began).Seconds() * 1e6); n < due; n++ {
			timers[n%len(timers)].Record(latencies[n%len(latencies)])
		}
		time.Sleep(time.Millisecond)
	}
}
