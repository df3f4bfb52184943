package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/machine"
	"github.com/pacer-perf/pacer/run"
)

// none is what works that start no process take in others.
func none() time.Duration { return 0 }

func TestExamine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	started := 0
	works, remove := Works(dir, func(context.Context) error { started++; return nil })
	rounds := 0
	r, err := Examine(t.Context(), run.Environment{Cores: 2}, works, 20, none, func(done int) { rounds = done })
	if err != nil || len(r.Noise) != 4 || started != 20 || rounds != 20 || r.Schema != Schema {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, n := range r.Noise {
		if n.Error != "" || n.N != 18 || !(n.Median > 0) || !(n.Spread >= 0) || len(n.Visible) != 3 {
			t.Errorf("%+v", n)
		}
		for i, v := range n.Visible {
			if i > 0 && (v.Apart > n.Visible[i-1].Apart || v.Pairs > n.Visible[i-1].Pairs) {
				t.Errorf("more runs show less: %+v", n.Visible)
			}
		}
	}
	remove()
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Examine(ctx, run.Environment{}, works, 20, none, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	works[3].Do = func(context.Context) error { return errors.New("no such program") }
	if r, err := Examine(t.Context(), run.Environment{}, works, 5, none, func(int) {}); err != nil || r.Noise[3].Error != "no such program" {
		t.Errorf("%+v, %v", r.Noise, err)
	}
}

// What the works do in other processes is not what others do.
func TestBusy(t *testing.T) {
	t.Parallel()
	hour := time.Duration(0)
	own := func() time.Duration { defer func() { hour += time.Hour }(); return hour }
	wait := []Work{{"wait", func(context.Context) error { time.Sleep(60 * time.Millisecond); return nil }}}
	r, err := Examine(t.Context(), run.Environment{Cores: 2}, wait, 10, own, func(int) {})
	if err != nil || runtime.GOOS == "linux" && (r.Busy == nil || r.Busy.Others != 0) {
		t.Errorf("%+v, %v", r.Busy, err)
	}
	text, err := json.Marshal(Report{Busy: &machine.Usage{Others: 0.5, Steal: 0.25}})
	if want := `"busy":{"others":0.5,"steal":0.25}`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}

// The noise that is found is the noise that there is, and what it calls
// visible follows from it: of 30 values a side at p = 0.015, about 0.9 standard
// deviations (R: power.t.test(n=30, sig.level=0.015, power=0.8) gives 0.86).
func TestNoise(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 3))
	times := make([]float64, 4000)
	for i := range times {
		times[i] = 0.01 * math.Exp(0.02*rng.NormFloat64())
		if i%50 == 0 {
			times[i] *= 3
		}
	}
	n := noiseOf("cpu", times)
	if math.Abs(n.Spread-0.02) > 0.002 || math.Abs(n.Pairs-0.02*math.Sqrt2) > 0.003 || math.Abs(n.Median-0.01) > 1e-4 {
		t.Errorf("%+v", n)
	}
	if v := n.Visible[1]; v.Runs != 30 || math.Abs(v.Apart-0.0174) > 0.0025 {
		t.Errorf("%+v", v)
	}
	if n := noiseOf("cpu", times[:3]); n.Error == "" {
		t.Errorf("%+v", n)
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	load, throttled, took := 3.0, int64(5), 0.25
	all := Report{
		Environment: run.Environment{Cores: 2, CPULimit: 1.5, MemoryLimit: 1 << 30, Governor: "powersave", Turbo: "on", SMT: "on", ASLR: "on", Virtual: "kvm", Counters: "none"},
		Machine:     machine.Facts{Load: &load, SwapUsed: 1 << 30, Throttled: &throttled, ClockCost: 1e-6},
		Busy:        &machine.Usage{Others: 0.1, Steal: 0.05, Throttled: &throttled, ThrottledFor: &took},
		Noise:       []Noise{noiseOf("cpu", []float64{1, 1.2, 0.9, 1.1, 1, 1.3}), {Work: "disk", Error: "read-only"}},
	}
	var about []string
	bad := true
	for _, a := range advise(&all) {
		about = append(about, a.About)
		if a.Level == "bad" && !bad {
			t.Errorf("%s is graver than what comes before", a.About)
		}
		bad = a.Level == "bad"
	}
	want := "load steal cpu limit governor clock noise memory limit swap turbo smt aslr virtual counters disk"
	if got := strings.Join(about, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	quiet := Report{Environment: run.Environment{Cores: 8, Governor: "performance", Turbo: "off", SMT: "off", ASLR: "off", Virtual: "none", Counters: "hardware"},
		Machine: machine.Facts{ClockCost: 4e-8}}
	if got := advise(&quiet); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// What was stopped before does not count for as much as what was meanwhile.
func TestAdviceLimit(t *testing.T) {
	t.Parallel()
	five, none, took := int64(5), int64(0), 0.25
	one := int64(1)
	for _, tt := range []struct {
		limit      float64
		since      *int64
		busy       *machine.Usage
		want, text string
	}{
		{limit: 2, since: &five, busy: &machine.Usage{Throttled: &five, ThrottledFor: &took}, want: "bad", text: "during this examination: 5 times, for 250.00ms in all"},
		{limit: 2, since: &one, busy: &machine.Usage{Throttled: &one}, want: "bad", text: "during this examination: once"},
		{limit: 2, since: &five, busy: &machine.Usage{Throttled: &none}, want: "note", text: "5 times since the container was made, but not during"},
		{limit: 0.5, since: &five, busy: &machine.Usage{Throttled: &none}, want: "bad", text: "0.5 of a processor"},
		{limit: 2, since: &none, want: "note", text: "2 of 4 processors"},
		{since: &none},
	} {
		r := Report{Environment: run.Environment{Cores: 4, CPULimit: tt.limit}, Machine: machine.Facts{Throttled: tt.since}, Busy: tt.busy}
		got := Advice{}
		for _, a := range advise(&r) {
			got = a
		}
		if got.Level != tt.want || !strings.Contains(got.Text, tt.text) || tt.want != "" && got.About != "cpu limit" {
			t.Errorf("%+v; want %s: %s", got, tt.want, tt.text)
		}
	}
}
