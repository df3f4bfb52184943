package run

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
	"time"
)

// made makes runs of all shapes that documents have.
type made struct{ *rand.Rand }

func (m made) text() string {
	texts := []string{"", "a", "main", "table.filter", `say "no"\`, "größer 😀", "<a&b>", "tab\tand\x00", "\xff\xfe bytes", "\u2028", "v1.2.3"}
	return texts[m.IntN(len(texts))]
}

func (m made) number() float64 {
	switch m.IntN(12) {
	case 0:
		return float64(m.IntN(1000))
	case 1:
		return math.Exp(m.NormFloat64() * 20)
	case 2:
		return math.Copysign(0, -1)
	case 3:
		return float64(m.Int64N(1e15)) / 1e9
	case 4:
		return math.Nextafter(float64(m.Int64N(1e9))/1e9, 2)
	case 5:
		return math.Float64frombits(m.Uint64N(1 << 52)) // too small to be normal
	case 6:
		return math.MaxFloat64 / float64(1+m.IntN(9))
	}
	return math.Round(4.5e7*math.Exp(0.1*m.NormFloat64())) / 1e9
}

func (m made) labels() map[string]string {
	if m.IntN(3) > 0 {
		return nil
	}
	l := make(map[string]string)
	for i := range m.IntN(4) {
		l[fmt.Sprintf("k%d", i)] = m.text()
	}
	return l
}

func (m made) metric(i int) Metric {
	x := Metric{Name: fmt.Sprintf("metric.%d", i), Unit: []string{"s", "bytes", "items/s", "", "größe"}[m.IntN(5)], Labels: m.labels(),
		Kind: []Kind{"", TimerKind, GaugeKind, "newer"}[m.IntN(4)], Better: []Better{"", Lower, Higher, Neither}[m.IntN(4)]}
	if m.IntN(2) == 0 {
		x.Resolution = 1e-9
	}
	if names := []string{Startup, MemoryPeak, Speed, Processing}; i < len(names) && m.IntN(2) == 0 {
		x.Name, x.Labels = names[i], nil
	}
	switch m.IntN(6) {
	case 0:
		h := NewHistogram(x.Unit)
		for range m.IntN(100) {
			h.AddN(math.Round(1e6*m.Float64())/1e9, 1+m.Int64N(5))
		}
		x.Histogram = h
	case 1:
		s := NewStats()
		for _, f := range s.fields() {
			if m.IntN(2) == 0 {
				*f.value = m.number()
			}
		}
		if s.Count = m.Int64N(10); m.IntN(2) == 0 {
			s.Interval = &[2]float64{-1.5, m.number()}
			s.SetPercentile(99.99, m.number())
			s.SetPercentile(25, m.number())
		}
		x.Summary = s
	default:
		for range m.IntN(70) {
			x.Samples = append(x.Samples, m.number())
		}
	}
	return x
}

func (m made) run(i int) Run {
	r := Run{ID: fmt.Sprintf("R%d", i), App: m.text(), Version: m.text(), Commit: m.text(), Branch: m.text(), Dirty: m.IntN(2) == 0, Pull: m.text(), Labels: m.labels()}
	if m.IntN(2) == 0 {
		r.Timestamp = time.Unix(m.Int64N(4e9), m.Int64N(1e9))
		r.Items = map[string]int64{"tracks": m.Int64N(1e6), "größe": 1}
		r.Command = []string{"app", m.text()}
		r.Environment = &Environment{OS: "linux", Cores: 8, CPULimit: m.Float64(), Memory: 1 << 35}
		r.Warnings, r.Failures = []string{m.text()}, []string{m.text(), m.text()}
		r.Main = "metric.1"
		r.Stages = []Stage{{Path: "a/ü", Count: 3, Total: m.number(), Self: m.number(), Failures: m.Int64N(2)}, {Path: "b"}}
	}
	for k := range m.IntN(7) {
		r.Metrics = append(r.Metrics, m.metric(k))
	}
	return r
}

// A run is the same run as long as its document has the same bytes: what the
// sum was made from stays as the first release wrote it, whatever it takes to
// write it faster. A change here means that no run that is sent again is known
// any more.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	m := made{rand.New(rand.NewPCG(11, 12))}
	sum := sha256.New()
	for i := range 800 {
		r := m.run(i)
		text, err := r.Encode()
		if err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
		sum.Write(text)
		appended, stats, err := r.AppendEncode([]byte("before"))
		if err != nil || !bytes.Equal(appended, append([]byte("before"), text...)) || len(stats) != len(r.Metrics) {
			t.Fatalf("run %d: appended, it is another text: %v", i, err)
		}
		for k := range stats {
			if want := r.Metrics[k].Stats(); fmt.Sprint(stats[k]) != fmt.Sprint(want) {
				t.Fatalf("run %d: %s: %v, want %v", i, r.Metrics[k].Name, stats[k], want)
			}
		}
		// However it is laid out, it reads as the same.
		again, err := Parse(text, "f")
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			t.Fatal(err)
		}
		lined, lineErr := Parse(line.Bytes(), "f")
		if err != nil || lineErr != nil {
			t.Fatalf("run %d: %v, %v\n%s", i, err, lineErr, text)
		}
		if text2, err := lined.Encode(); err != nil || !bytes.Equal(text, text2) && !bytes.Contains(text, []byte(`\ufffd`)) { // what was no UTF-8 is text then
			t.Fatalf("run %d: read and written: %v\n%s\n%s", i, err, text, text2)
		}
		if !reflect.DeepEqual(withoutNaN(again), withoutNaN(lined)) {
			t.Fatalf("run %d: it is another one in one line:\n%s", i, text)
		}
	}
	long := large(2, MaxSamples+1)
	text, err := long.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sum.Write(text)
	// Other processors round once less where they multiply and add in one.
	const want = "c8db7b4c2c2579774d86d2c9b0f78dd7c171197bec5b3e9086a84fccbf2ed402"
	if got := hex.EncodeToString(sum.Sum(nil)); got != want && runtime.GOARCH == "amd64" {
		t.Errorf("the documents have sum %s, want %s", got, want)
	}
}

// withoutNaN returns a run that equals itself.
func withoutNaN(r Run) Run {
	for i := range r.Metrics {
		if s := r.Metrics[i].Summary; s != nil {
			for _, f := range s.fields() {
				if math.IsNaN(*f.value) {
					*f.value = -1
				}
			}
		}
	}
	return r
}
