package run

import (
	"math"
	"strconv"
)

// appendNumber writes the shortest text that reads back as the same float64.
func appendNumber(buf []byte, v float64) []byte {
	size := math.Abs(v)
	switch {
	case size < 1e15 && v == float64(int64(v)):
		return strconv.AppendInt(buf, int64(v), 10)
	case size >= 1e-4 && size < 1e6:
		// A whole number of nanoseconds, as clocks give it: of at most 15 digits,
		// which no other number of as many digits reads back as.
		if n := uint64(size*1e9 + 0.5); n < 1e15 && float64(n)/1e9 == size {
			return appendNanos(buf, v < 0, n)
		}
	}
	return strconv.AppendFloat(buf, v, 'g', -1, 64)
}

// appendNanos appends n/1e9, which is no whole number.
func appendNanos(buf []byte, negative bool, n uint64) []byte {
	if negative {
		buf = append(buf, '-')
	}
	whole, rest := n/1e9, uint32(n%1e9)
	if whole < 10 {
		buf = append(buf, byte('0'+whole), '.')
	} else {
		buf = append(strconv.AppendUint(buf, whole, 10), '.')
	}
	// Nine digits: one, and four times two.
	var nines [9]byte
	for i := 7; i > 0; i -= 2 {
		two := rest % 100
		rest /= 100
		nines[i], nines[i+1] = pairs[2*two], pairs[2*two+1]
	}
	nines[0] = byte('0' + rest)
	last := 8
	for nines[last] == '0' {
		last--
	}
	return append(buf, nines[:last+1]...)
}

// pairs are the numbers below 100, two digits each.
const pairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"
