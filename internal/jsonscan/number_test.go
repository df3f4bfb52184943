package jsonscan

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var arrays = []string{
	`[]`, `[ ]`, `[0]`, `[1,2.5, 3e-7 ,4E+2]`, " [ 1\n,\t2\r, 3 ] ", `[0.1,-0,0.30000000000000004]`, `[123456789012345678901234567890]`, `[9007199254740993,9007199254740992]`,
	`[1e22,1e23,1e-22,1e-23,1e400]`, `[5e-324,2.2250738585072011e-308]`, `[0.000000000000000000000000000001]`,
	``, `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[,]`, `[1 2]`, `[1;2]`, `[01]`, `[00]`, `[1.]`, `[.5]`, `[1e]`, `[1e+]`, `[+1]`, `[-]`, `[-1]`, `[1,-2]`, `[1a]`, `[1,null]`, `["1"]`, `[[1]]`, `{}`, `1`, `null`, `[1}`, `[NaN]`, `[1e00005]`, `[1e-0]`, `[0e0]`, `[1.0]`,
}

// What Quantities reads is what encoding/json reads. What it leaves, Array finds
// as if nobody had looked.
func compareQuantities(t *testing.T, text string) {
	t.Helper()
	p, err := New([]byte(text), "f")
	if err != nil {
		return
	}
	list, ok := p.Quantities([]float64{7})
	var want []float64
	wantErr := json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &want)
	if !ok {
		if len(list) != 1 || p.Offset() > len("\ufeff") || p.Start() != 0 {
			t.Fatalf("%q is refused, and %v is read, up to %d", text, list, p.Offset())
		}
		plain := wantErr == nil && want != nil && !slices.ContainsFunc(want, func(v float64) bool { return v < 0 })
		if plain && !strings.Contains(text, "null") {
			t.Fatalf("%q is refused", text)
		}
		return
	}
	generic, _ := New([]byte(text), "f")
	again := []float64{7}
	_, err = generic.Array(func(int) error {
		v, err := generic.Number()
		again = append(again, v)
		return err
	})
	if err != nil || !slices.Equal(list, again) || p.Offset() != generic.Offset() || p.Start() != generic.Start() {
		t.Fatalf("%q: %v up to %d, number by number %v, %v up to %d", text, list, p.Offset(), again, err, generic.Offset())
	}
	if p.Close() == nil && (wantErr != nil || !slices.Equal(list[1:], want)) {
		t.Fatalf("%q = %v, encoding/json says %v, %v", text, list, want, wantErr)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	for _, text := range arrays {
		compareQuantities(t, text)
	}
}

func FuzzQuantities(f *testing.F) {
	for _, text := range arrays {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { compareQuantities(t, text) })
}

// A number that is read the short way is the one that strconv reads, to the bit.
func TestDecimal(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	short := 0
	check := func(text string) {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		v, n := decimal([]byte(text))
		if n == 0 {
			return
		}
		short++
		if n != len(text) || math.Float64bits(v) != math.Float64bits(want) {
			t.Errorf("%s: %v of %d characters, want %v", text, v, n, want)
		}
	}
	for range 50_000 {
		v := math.Exp(rng.NormFloat64() * 15)
		check(strconv.FormatFloat(v, 'g', 1+rng.IntN(17), 64))
		check(strconv.FormatFloat(-v, 'e', rng.IntN(17), 64))
		check(fmt.Sprintf("%d.%0*d", rng.IntN(1000), 1+rng.IntN(15), rng.IntN(10)))
		check(fmt.Sprintf("%de%d", rng.Uint64N(1<<54), rng.IntN(60)-30))
	}
	check("-0")
	if short < 100_000 {
		t.Errorf("%d numbers are short ones: too few to tell", short)
	}
}

func BenchmarkQuantities(b *testing.B) {
	var text []byte
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		text = append(text, "[,"[min(i, 1)])
		text = strconv.AppendFloat(text, math.Round(4.5e7*math.Exp(0.1*rng.NormFloat64()))/1e9, 'g', -1, 64)
	}
	text = append(text, ']')
	var list []float64
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		p, _ := New(text, "f")
		var ok bool
		if list, ok = p.Quantities(list[:0]); !ok || len(list) != 1000 {
			b.Fatal(len(list))
		}
	}
}
