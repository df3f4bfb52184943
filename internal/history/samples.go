package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"strconv"
	"sync"

	"github.com/pacer-perf/pacer/run"
)

// Most of a document are the samples of its metrics: digits that look random, on
// which a compressor of text works long for little. They are taken out of the
// text and kept as whole numbers of their last decimal place, each as so many
// bits as the range of its neighbours wants: half the room, a fraction of the
// time. What is put back is the text as it was, byte for byte: a list for which
// that does not hold stays in the text.

// mark is what a list of samples follows.
var mark = []byte(`"samples":[`)

// samplesIn returns where the first list of samples begins: -1 if there is none.
func samplesIn(text []byte) int {
	for at := 0; ; {
		next := bytes.IndexByte(text[at:], '[') // of which a document has few
		if next < 0 {
			return -1
		}
		if at += next + 1; bytes.HasSuffix(text[:at], mark) {
			return at
		}
	}
}

// stretch is how many samples share a range, so that one that lies far off costs
// its neighbours alone.
const stretch = 64

// takeOut appends the text without its samples to rest, and those to samples,
// list by list in the order of the text: how many, how many decimals they have,
// and for each stretch the lowest, the width in bits, and the bits of each above
// the lowest. A list that stays in the text has none.
func takeOut(text, rest, samples []byte) (_, _ []byte, taken int) {
	numbers := lists.Get().(*list)
	defer lists.Put(numbers)
	for {
		at := samplesIn(text)
		if at < 0 {
			return append(rest, text...), samples, taken
		}
		rest, text = append(rest, text[:at]...), text[at:]
		places, size := numbers.read(text)
		if size == 0 {
			samples = append(samples, 0)
			continue
		}
		text = text[size:]
		taken += len(numbers.values)
		samples = append(binary.AppendUvarint(samples, uint64(len(numbers.values))), byte(places))
		for part := range slices.Chunk(numbers.values, stretch) {
			samples = appendStretch(samples, part)
		}
	}
}

// appendStretch appends numbers as bits above the lowest of them.
func appendStretch(buf []byte, values []int64) []byte {
	lowest, highest := values[0], values[0]
	for _, v := range values {
		lowest, highest = min(lowest, v), max(highest, v)
	}
	width := bits.Len64(uint64(highest) - uint64(lowest))
	buf = append(binary.AppendVarint(buf, lowest), byte(width))
	word, used := uint64(0), 0
	for _, v := range values {
		above := uint64(v) - uint64(lowest)
		word |= above << used
		if used += width; used >= 64 {
			buf = binary.LittleEndian.AppendUint64(buf, word)
			used -= 64
			word = above >> (width - used)
		}
	}
	for ; used > 0; used -= 8 {
		buf = append(buf, byte(word))
		word >>= 8
	}
	return buf
}

// errSamples is what takeOut cannot have written.
var errSamples = errors.New("its samples are not whole")

// putBack appends to buf the text that takeOut took apart.
func putBack(buf, rest, samples []byte) ([]byte, error) {
	var values [stretch]int64
	for {
		at := samplesIn(rest)
		if at < 0 {
			if len(samples) > 0 {
				return nil, errSamples
			}
			return append(buf, rest...), nil
		}
		buf, rest = append(buf, rest[:at]...), rest[at:]
		n, size := binary.Uvarint(samples)
		if size <= 0 || n > run.MaxSamples {
			return nil, errSamples
		}
		if samples = samples[size:]; n == 0 {
			continue
		}
		if len(samples) == 0 || samples[0] > mostPlaces {
			return nil, errSamples
		}
		places := int(samples[0])
		samples = samples[1:]
		for done := 0; done < int(n); {
			part := values[:min(stretch, int(n)-done)]
			if samples = readStretch(samples, part); samples == nil {
				return nil, errSamples
			}
			for i, v := range part {
				if done+i > 0 {
					buf = append(buf, ',')
				}
				buf = appendDecimal(buf, v, places)
			}
			if done += len(part); len(buf) > run.MaxSize {
				return nil, errSamples
			}
		}
	}
}

// readStretch reads what appendStretch wrote, and returns what follows: nil if
// it cannot be that.
func readStretch(buf []byte, values []int64) []byte {
	lowest, size := binary.Varint(buf)
	if size <= 0 || size >= len(buf) || buf[size] > 64 {
		return nil
	}
	width := int(buf[size])
	buf = buf[size+1:]
	length := (len(values)*width + 7) / 8
	if length > len(buf) {
		return nil
	}
	for i := range values {
		values[i] = int64(uint64(lowest) + bitsAt(buf[:length], i*width, width))
	}
	return buf[length:]
}

// bitsAt returns width bits from an offset on.
func bitsAt(buf []byte, offset, width int) uint64 {
	var nine [9]byte
	copy(nine[:], buf[min(offset/8, len(buf)):])
	word := binary.LittleEndian.Uint64(nine[:])>>(offset%8) | uint64(nine[8])<<(64-offset%8)
	return word & (1<<width - 1)
}

// mostPlaces is how many decimals a sample may have to be taken out.
const mostPlaces = 40

// list is a list of numbers.
type list struct {
	values []int64
	places []uint8 // of each, as it was written
}

// lists are used again: what they hold grows with the longest.
var lists = sync.Pool{New: func() any { return new(list) }}

// read reads a list of numbers up to its bracket: the values are those numbers
// times ten to a number of places. It returns that, and the bytes that the list
// takes; 0 if one of them is not written as appendDecimal would, or they are more
// than a metric has.
func (l *list) read(text []byte) (places, size int) {
	l.values, l.places = l.values[:0], l.places[:0]
	for {
		v, own, length := decimal(text[size:])
		if size += length; length == 0 || size == len(text) || len(l.values) == run.MaxSamples {
			return 0, 0
		}
		l.values, l.places = append(l.values, v), append(l.places, uint8(own))
		places = max(places, own)
		if text[size] == ']' {
			break
		}
		if text[size] != ',' {
			return 0, 0
		}
		size++
	}
	for i, v := range l.values {
		for more := places - int(l.places[i]); more > 0 && v != 0; more-- {
			if v > most || v < -most {
				return 0, 0
			}
			v *= 10
		}
		l.values[i] = v
	}
	return places, size
}

// decimal reads a number of at most 18 digits, and its length: 0 if it is not
// written as appendDecimal would.
func decimal(text []byte) (v int64, places, length int) {
	i := 0
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		i++
	}
	first := i
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		v = 10*v + int64(text[i]-'0')
	}
	whole := i - first
	if whole == 0 || whole > 18 || text[first] == '0' && (whole > 1) {
		return 0, 0, 0
	}
	below1, tiny := v == 0, false
	if i+1 < len(text) && text[i] == '.' {
		i++
		point := i
		for ; i < len(text) && text[i]-'0' <= 9; i++ {
			v = 10*v + int64(text[i]-'0')
		}
		places = i - point
		if places == 0 || whole+places > 18 || text[i-1] == '0' {
			return 0, 0, 0
		}
		tiny = below1 && bytes.HasPrefix(text[point:], []byte("0000"))
	}
	if i < len(text) && text[i] == 'e' {
		if whole > 1 || below1 || i+4 > len(text) || text[i+2]-'0' > 9 || text[i+3]-'0' > 9 {
			return 0, 0, 0
		}
		exponent := 10*int(text[i+2]-'0') + int(text[i+3]-'0')
		switch {
		case text[i+1] == '-' && exponent >= 5:
			places += exponent
		case text[i+1] == '+' && exponent >= 6 && exponent < places:
			places -= exponent
		default:
			return 0, 0, 0
		}
		i += 4
	} else if tiny || places > 0 && whole > 6 || negative && v == 0 {
		return 0, 0, 0 // it would have an exponent; or no sign
	}
	if places > mostPlaces {
		return 0, 0, 0
	}
	if negative {
		v = -v
	}
	return v, places, i
}

// most is the largest number of which ten times as much is one too.
const most = (1<<63 - 1) / 10

// appendDecimal appends a number of so many decimals as documents have it: no
// zeros at its end, and with an exponent below 0.0001, and from a million on if
// it is not whole.
func appendDecimal(buf []byte, v int64, places int) []byte {
	if v < 0 {
		buf = append(buf, '-')
	}
	if v == 0 {
		return append(buf, '0')
	}
	var room [20]byte
	digits := strconv.AppendUint(room[:0], magnitude(v), 10)
	for places > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		places--
	}
	whole := len(digits) - places // digits before the point: below 1, zeros behind it
	switch {
	case places == 0:
		return append(buf, digits...)
	case whole < -3 || whole > 6:
		buf = append(buf, digits[0])
		if len(digits) > 1 {
			buf = append(append(buf, '.'), digits[1:]...)
		}
		exponent, sign := whole-1, byte('+')
		if exponent < 0 {
			exponent, sign = -exponent, '-'
		}
		return append(buf, 'e', sign, byte('0'+exponent/10), byte('0'+exponent%10))
	case whole <= 0:
		return append(append(buf, "0.000"[:2-whole]...), digits...)
	}
	return append(append(append(buf, digits[:whole]...), '.'), digits[whole:]...)
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
