package run

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns the ULID of a moment and 80 random bits: 26 characters that
// sort by time.
//
// Source: the ULID specification, canonical string representation.
func NewID(at time.Time, random [10]byte) string {
	ms := uint64(at.UnixMilli())
	var id [26]byte
	for i := 9; i >= 0; i-- {
		id[i] = crockford[ms&31]
		ms >>= 5
	}
	// Two times 40 bits: eight characters of five bits each.
	for half := range 2 {
		bits := uint64(0)
		for _, b := range random[half*5 : half*5+5] {
			bits = bits<<8 | uint64(b)
		}
		for i := 7; i >= 0; i-- {
			id[10+half*8+i] = crockford[bits&31]
			bits >>= 5
		}
	}
	return string(id[:])
}

// ContentID is the id of a run that came without one: a hash of what it says,
// so that the same file is the same run however its JSON is laid out.
func (r *Run) ContentID() (string, error) {
	bare := *r
	bare.ID = ""
	text, err := bare.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

var errID = errors.New("expected 1 to 64 letters, digits, '.', '_' or '-'")

func validID(id string) error {
	if id == "" || len(id) > 64 {
		return errID
	}
	for _, r := range id {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '.', r == '_', r == '-':
		default:
			return errID
		}
	}
	return nil
}
