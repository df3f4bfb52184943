package feed

import (
	"encoding/binary"
	"strconv"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/run"
)

// delta is a pacer.Delta whose histogram is packed: three bytes for a bucket
// rather than sixteen, for ten minutes of them are kept.
type delta struct {
	number  int
	value   float64
	slowest *pacer.Operation

	tick, ticks, min, max float64
	count                 int64
	buckets               []byte // for each how far it lies from the one before, and its count; nil: no histogram
}

func pack(d pacer.Delta) delta {
	p := delta{number: d.Number, value: d.Value, slowest: d.Slowest}
	h := d.Histogram
	if h == nil {
		return p
	}
	p.tick, p.ticks, p.min, p.max, p.count = h.Tick, h.Ticks, h.Min, h.Max, h.Count
	p.buckets = make([]byte, 0, 4*len(h.Buckets)+4)
	last := 0
	for _, b := range h.Buckets {
		p.buckets = binary.AppendUvarint(p.buckets, uint64(b.Index-last)) // no value is negative, and they are in order
		p.buckets = binary.AppendUvarint(p.buckets, uint64(b.Count))
		last = b.Index
	}
	p.buckets = append(make([]byte, 0, len(p.buckets)), p.buckets...)
	return p
}

// each calls f with how far each bucket lies from the one before, and its count.
func (d *delta) each(f func(apart int, count int64)) {
	for rest := d.buckets; len(rest) > 0; {
		apart, n := binary.Uvarint(rest)
		count, m := binary.Uvarint(rest[n:])
		rest = rest[n+m:]
		f(int(apart), int64(count))
	}
}

// histogram unpacks it.
func (d *delta) histogram() *run.Histogram {
	h := &run.Histogram{Tick: d.tick, Count: d.count, Ticks: d.ticks, Min: d.min, Max: d.max}
	index := 0
	d.each(func(apart int, count int64) {
		index += apart
		h.Buckets = append(h.Buckets, run.Bucket{Index: index, Count: count})
	})
	return h
}

// appendJSON writes what a page reads of a histogram: [number, count, sum, min,
// max, [buckets]].
func (d *delta) appendJSON(b []byte) []byte {
	bare := run.Histogram{Tick: d.tick, Ticks: d.ticks}
	b = append(b, '[')
	b = strconv.AppendInt(b, int64(d.number), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, d.count, 10)
	for _, v := range []float64{bare.Sum(), d.min, d.max} {
		b = append(b, ',')
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	b = append(b, ",["...)
	first := true
	d.each(func(apart int, count int64) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = strconv.AppendInt(b, int64(apart), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, count, 10)
	})
	return append(b, "]]"...)
}
