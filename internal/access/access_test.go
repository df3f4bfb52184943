package access

import (
	"errors"
	"strings"
	"testing"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		words, roles, may string // of all roles
	}{
		{"ingest", "ingest", "ingest"},
		{"read", "read", "read"},
		{"write", "write", "read,write"},
		{"admin", "admin", "ingest,read,write,admin"},
		{" Read ,ingest,read", "ingest,read", "ingest,read"},
	} {
		roles, err := ParseRoles(tt.words)
		var may Roles
		for _, role := range Known {
			if roles.May(role) {
				may = append(may, role)
			}
		}
		if err != nil || roles.String() != tt.roles || may.String() != tt.may {
			t.Errorf("%q: %v, %v, may %v; want %s, may %s", tt.words, roles, err, may, tt.roles, tt.may)
		}
	}
	for _, bad := range []string{"", "root", "read,", "read;write"} {
		if roles, err := ParseRoles(bad); err == nil {
			t.Errorf("%q: %v", bad, roles)
		}
	}
	if _, err := ParseRoles(); err == nil {
		t.Error("no word is no role")
	}
	if (Roles{}).May(Read) {
		t.Error("without a role, nothing is allowed")
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 1000 {
		token, id := NewToken()
		got, err := ID(token)
		if err != nil || got != id || seen[id] || !strings.HasPrefix(token, Prefix+id+"_") || len(token) != 76 {
			t.Fatalf("%q: %q, %v; want %q", token, got, err, id)
		}
		seen[id] = true
	}
	token, _ := NewToken()
	other, _ := NewToken()
	for _, bad := range []string{"", "x", Prefix, token[:len(token)-1], token + "0", strings.ToUpper(token), " " + token, strings.TrimPrefix(token, Prefix), token[:30] + other[30:]} {
		if id, err := ID(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %q, %v", bad, id, err)
		}
	}
	if !Equal(HashOf(token), HashOf(token)) || Equal(HashOf(token), HashOf(other)) {
		t.Error("hashes")
	}
	if a, b := NewSecret(), NewSecret(); a == b || len(a) != 52 {
		t.Errorf("secrets %q, %q", a, b)
	}
}

// Any character of a token that changes makes it none.
func TestTokenTypo(t *testing.T) {
	t.Parallel()
	token, _ := NewToken()
	for i := range token {
		c := byte('0')
		if token[i] == c {
			c = '1'
		}
		if _, err := ID(token[:i] + string(c) + token[i+1:]); err == nil {
			t.Errorf("a typo at %d is not noticed", i)
		}
	}
}
