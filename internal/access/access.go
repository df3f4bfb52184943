// Package access holds what tokens are made of and what they allow.
//
// A token is shown to whoever makes it and then forgotten: what is kept is its
// hash. It is 256 random bits, so a plain SHA-256 is hash enough: there is
// nothing to guess. Nothing here knows a store or a request.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// Role is a part of what a token allows.
type Role string

const (
	Ingest Role = "ingest" // send runs
	Read   Role = "read"   // see runs, series, verdicts, alerts
	Write  Role = "write"  // read; set baselines, act on alerts
	Admin  Role = "admin"  // everything: delete runs, make and revoke tokens, read the audit log
)

// Known are all roles.
var Known = []Role{Ingest, Read, Write, Admin}

// Roles are what a token allows.
type Roles []Role

// May tells whether the roles include one, or a larger one.
func (r Roles) May(role Role) bool {
	return slices.Contains(r, role) || slices.Contains(r, Admin) || role == Read && slices.Contains(r, Write)
}

// String writes the roles as ParseRoles reads them.
func (r Roles) String() string {
	words := make([]string, len(r))
	for i, role := range r {
		words[i] = string(role)
	}
	return strings.Join(words, ",")
}

// ParseRoles reads words, each a role or several with commas between them. The
// roles come in the order of Known, each once.
func ParseRoles(words ...string) (Roles, error) {
	asked := make(map[Role]bool)
	for _, word := range words {
		for part := range strings.SplitSeq(word, ",") {
			role := Role(strings.ToLower(strings.TrimSpace(part)))
			if !slices.Contains(Known, role) {
				return nil, fmt.Errorf("unknown role %q: expected ingest, read, write or admin", part)
			}
			asked[role] = true
		}
	}
	var list Roles
	for _, role := range Known {
		if asked[role] {
			list = append(list, role)
		}
	}
	if list == nil {
		return nil, errors.New("no role: expected ingest, read, write or admin")
	}
	return list, nil
}

// Hash is the SHA-256 of a secret.
type Hash = [sha256.Size]byte

// HashOf is what is kept of a secret.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Equal compares hashes in a time that does not depend on them.
func Equal(a, b Hash) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// Prefix begins every token, so that people and scanners recognise one.
const Prefix = "pacer_"

const (
	idChars     = 10 // 50 bits, which name the token
	secretChars = 52 // 256 bits
	checkChars  = 7  // CRC-32 of what comes before
)

// Digits and small letters without those that are taken for others.
var digits = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewToken returns a new token and its id:
//
//	pacer_ID_SECRET
//
// The id is no secret: it is listed, and names the token to revoke. The last 7
// characters are a checksum, so that a token that was cut off is recognised.
func NewToken() (token, id string) {
	id = random(idChars)
	token = Prefix + id + "_" + random(secretChars)
	return token + checksum(token), id
}

// NewSecret returns 256 random bits as text: what a session is known by.
func NewSecret() string { return random(secretChars) }

func random(chars int) string {
	b := make([]byte, chars*5/8+1)
	rand.Read(b) // never fails
	return digits.EncodeToString(b)[:chars]
}

func checksum(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return digits.EncodeToString(sum)[:checkChars]
}

// ErrToken says that a text is no token: it was cut off, or never was one.
var ErrToken = errors.New("not a token: expected " + Prefix + "..., as it was shown when it was made")

// ID returns the id that a token holds, or ErrToken.
func ID(token string) (string, error) {
	rest, ok := strings.CutPrefix(token, Prefix)
	at := len(token) - checkChars
	if !ok || len(rest) != idChars+1+secretChars+checkChars || rest[idChars] != '_' || checksum(token[:at]) != token[at:] {
		return "", ErrToken
	}
	return rest[:idChars], nil
}
