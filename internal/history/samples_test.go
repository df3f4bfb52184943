package history

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/run"
)

// apart takes a text apart and checks that putting it together gives it back.
func apart(t *testing.T, text []byte) (rest, samples []byte, taken int) {
	t.Helper()
	rest, samples, taken = takeOut(text, nil, nil)
	got, err := putBack(nil, rest, samples)
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%.300q came back as %.300q, %v", text, got, err)
	}
	return rest, samples, taken
}

// Samples as documents have them are all taken out, whatever they measure.
func TestTakeOut(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 3))
	for name, next := range map[string]func() float64{
		"nanoseconds":   func() float64 { return math.Round(4.5e7*math.Exp(rng.NormFloat64())) / 1e9 },
		"few of them":   func() float64 { return float64(rng.IntN(5000)) / 1e9 },
		"whole":         func() float64 { return float64(rng.IntN(1 << 40)) },
		"negative":      func() float64 { return float64(rng.IntN(2000)-1000) / 1000 },
		"all the same":  func() float64 { return 0.25 },
		"none":          func() float64 { return 0 },
		"millions":      func() float64 { return 1e6 + float64(rng.IntN(1e9))/8 },
		"of 0.1 to 100": func() float64 { return float64(1+rng.IntN(1e6)) / 1e4 },
	} {
		for _, n := range []int{1, 2, 63, 64, 65, run.MaxSamples} {
			m := run.Metric{Name: "m", Unit: "degrees"}
			for range n {
				m.Samples = append(m.Samples, next())
			}
			other := m
			other.Name = "other"
			r := run.Run{ID: "R1", Metrics: []run.Metric{m, other}}
			text, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			rest, _, taken := apart(t, text)
			if taken != 2*n || bytes.Count(rest, []byte(`"samples":[]`)) != 2 {
				t.Errorf("%s: %d of %d are taken out: %.300s", name, taken, 2*n, rest)
			}
		}
	}
}

// What is no list of numbers as documents have them stays in the text.
func TestTakeOutStays(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		"", "1", "]", "[1]", "-]", "1,]", "1,,2]", "1 ]", " 1]", "01]", "-0]", "1.0]", "1.]", ".5]", "0.00001]", "1e5]", "1e+05]", "1e-04]", "1e-5]", "1.5e-005]",
		"1.0e-05]", "10e-05]", "0e-05]", "1.5E-05]", "1e+06]", "1234567.5]", "1e-41]", "12345678901234567890]", "0.1234567890123456789]", "900000000000000000,0.25]", `"1"]`, "null]",
		"1e-99]", "1e-", "1e-0", "1e", "-", "0.", "1,", "+1]", "--1]", "1.2.3]",
	} {
		text := `{"samples":[` + list
		if _, _, taken := apart(t, []byte(text)); taken != 0 {
			t.Errorf("%q: %d are taken out", list, taken)
		}
	}
	many := `{"samples":[` + strings.Repeat("1,", run.MaxSamples) + "1]}"
	if _, _, taken := apart(t, []byte(many)); taken != 0 {
		t.Errorf("%d are taken out, more than a metric has", taken)
	}
}

// Of what is damaged nothing is made up.
func TestTextDamaged(t *testing.T) {
	t.Parallel()
	r := run.Run{ID: "R1", Metrics: []run.Metric{{Name: "m", Unit: "s"}}}
	for i := range 100 {
		r.Metrics[0].Samples = append(r.Metrics[0].Samples, float64(i*i)/1e6)
	}
	e, err := Pack(&r)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Text(e.Document)
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.Document {
		for bit := range 8 {
			broken := bytes.Clone(e.Document)
			broken[i] ^= 1 << bit
			if text, err := Text(broken); err == nil && !bytes.Equal(text, want) {
				t.Fatalf("bit %d of byte %d: %.300q", bit, i, text)
			}
		}
		if _, err := Text(e.Document[:i]); err == nil {
			t.Fatalf("%d of %d bytes are a document", i, len(e.Document))
		}
	}
}

func FuzzTakeOut(f *testing.F) {
	for _, list := range []string{"1.5,2]", "1e-05,-0.25]", "1.2345675e+06,7]", "0.0001]", "999999999999999999,0]"} {
		f.Add([]byte(fmt.Sprintf(`{"samples":[%s,"samples":[%s}`, list, list)), []byte{})
	}
	f.Fuzz(func(t *testing.T, text, samples []byte) {
		apart(t, text)
		apart(t, append([]byte(`"samples":[`), text...))
		putBack(nil, text, samples) // of any bytes: no panic
	})
}

// What was kept before names had a limit can be read, checked and thinned.
func TestLongNamesKept(t *testing.T) {
	t.Parallel()
	r := run.Run{ID: "R1", App: "app", Version: "1", Metrics: []run.Metric{{Name: "m", Unit: "s", Samples: make([]float64, 20)}}}
	e, err := Pack(&r)
	if err != nil {
		t.Fatal(err)
	}
	r.Version = strings.Repeat("1", run.MaxName+1)
	if _, err := Pack(&r); err == nil || !strings.Contains(err.Error(), "run R1 cannot be kept: version has 1025 bytes: at most 1024") {
		t.Errorf("a new one: %v", err)
	}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e.Head.Version, e.Digest, e.Document = r.Version, sha256.Sum256(text), pack(text)
	e.At, e.Timed = r.Timestamp, false
	if what := e.verify(); what != "" {
		t.Error(what)
	}
	if less, err := e.Thinned(Summaries); err != nil {
		t.Error(err)
	} else if got, err := less.Run(); err != nil || got.Version != r.Version {
		t.Errorf("%.20s, %v", got.Version, err)
	}
}
