package run

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// large is a run with metrics of n samples each.
func large(metrics, n int) Run {
	r := Run{App: "a"}
	for i := range metrics {
		m := Metric{Name: fmt.Sprintf("BenchmarkSomething/case=%d", i), Unit: "s", Labels: map[string]string{"pkg": "example.org/app"}}
		for k := range n {
			m.Samples = append(m.Samples, float64(24130+i*7+k*13)/1e9)
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []struct{ metrics, samples int }{{10_000, 10}, {100, 10_000}} {
		b.Run(fmt.Sprintf("metrics=%d/samples=%d", size.metrics, size.samples), func(b *testing.B) {
			r := large(size.metrics, size.samples)
			text, err := r.Encode()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(bytes.NewReader(text), "run.json"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, size := range []struct{ metrics, samples int }{{10_000, 10}, {100, 10_000}} {
		b.Run(fmt.Sprintf("metrics=%d/samples=%d", size.metrics, size.samples), func(b *testing.B) {
			r := large(size.metrics, size.samples)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Write(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a server does with a run that an app sends: 20 metrics of 30 samples.
func BenchmarkTypical(b *testing.B) {
	r := large(20, 30)
	r.ID = "R1"
	text, err := r.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(text, "run.json"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			if buf, _, err = r.AppendEncode(buf[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
