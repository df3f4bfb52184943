package history_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

func BenchmarkPack(b *testing.B) {
	r := storetest.Typical(rand.New(rand.NewPCG(1, 2)), "app", "R00000001", time.Unix(1e9, 0))
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		e, err := history.Pack(r)
		if err != nil {
			b.Fatal(err)
		}
		size = len(e.Document)
	}
	b.ReportMetric(float64(size), "bytes/run")
}

func BenchmarkUnpack(b *testing.B) {
	e, err := history.Pack(storetest.Typical(rand.New(rand.NewPCG(1, 2)), "app", "R00000001", time.Unix(1e9, 0)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Run(); err != nil {
			b.Fatal(err)
		}
	}
}
