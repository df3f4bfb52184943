package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// row reads the columns of a row, one after the other, for queries with rows by the
// ten thousand: Scan would find out again for each column of each row what it has
// and where it goes. Null is NaN, and an error where there is none.
type row struct {
	values [][]byte
	fields []field
	next   int // column
	buffer []byte
	err    error // the first
}

// field says how a column comes: as text where an address wants the simple
// protocol, as a connection pooler may.
type field struct {
	name string
	text bool
}

// of goes to a row. One reader is for the rows of one query.
func (r *row) of(rows pgx.Rows) *row {
	if r.fields == nil {
		for _, d := range rows.FieldDescriptions() {
			r.fields = append(r.fields, field{d.Name, d.Format == pgx.TextFormatCode})
		}
	}
	r.values, r.next = rows.RawValues(), 0
	return r
}

// bytes are those of the next column. They are good until the next row.
func (r *row) bytes() []byte {
	r.next++
	return r.values[r.next-1]
}

// number reads the next column, of so many bytes, by one of two ways.
func number[T any](r *row, size int, binary func([]byte) T, text func(string) (T, error)) (v T) {
	b, f := r.bytes(), &r.fields[r.next-1]
	var err error
	switch {
	case f.text:
		v, err = text(string(b))
	case len(b) == size:
		return binary(b)
	default:
		err = fmt.Errorf("%d bytes, expected %d", len(b), size)
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("column %s: %w", f.name, err)
	}
	return v
}

func (r *row) int64() int64 {
	return number(r, 8, func(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
}

func (r *row) int32() int32 {
	return number(r, 4, func(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }, func(s string) (int32, error) {
		n, err := strconv.ParseInt(s, 10, 32)
		return int32(n), err
	})
}

func (r *row) bool() bool {
	return number(r, 1, func(b []byte) bool { return b[0] != 0 }, func(s string) (bool, error) { return strconv.ParseBool(s) })
}

func (r *row) float64() float64 {
	if r.values[r.next] == nil {
		r.next++
		return math.NaN()
	}
	return number(r, 8, func(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
}

// texts reads the next n columns as one string, which is one allocation, for cut to
// take apart.
func (r *row) texts(n int) texts {
	r.buffer = r.buffer[:0]
	for _, b := range r.values[r.next : r.next+n] {
		r.buffer = append(r.buffer, b...)
	}
	return texts{r, string(r.buffer)}
}

type texts struct {
	row *row
	all string
}

// cut reads the next column.
func (t *texts) cut() string {
	n := len(t.row.bytes())
	s := t.all[:n]
	t.all = t.all[n:]
	return s
}
