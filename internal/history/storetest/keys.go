package storetest

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
)

// Token is a token as a store keeps it.
func Token(id, app string) history.Token {
	return history.Token{ID: id, Hash: sha256.Sum256([]byte(id)), Name: "of " + id, App: app, Roles: []string{"ingest", "read"}, Creator: "me",
		Created: time.Date(2026, 1, 1, 0, 0, len(id), 7, time.UTC)}
}

func tokens(t *testing.T, s history.Store) {
	ctx := t.Context()
	if has, err := s.HasTokens(ctx); has || err != nil {
		t.Errorf("a new store: %v, %v", has, err)
	}
	a, b, c := Token("a", "app"), Token("bb", ""), Token("ccc", "other\x00\x01")
	b.Expires, b.Used, b.Revoked = b.Created.Add(time.Hour), b.Created.Add(time.Minute), b.Created.Add(2*time.Hour)
	for _, token := range []history.Token{a, b, c} {
		if err := s.AddToken(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddToken(ctx, a); err == nil {
		t.Error("an id is there twice")
	}
	if has, err := s.HasTokens(ctx); !has || err != nil {
		t.Errorf("with tokens: %v, %v", has, err)
	}
	for app, want := range map[string][]history.Token{"": {c, b, a}, "app": {a}, c.App: {c}, "none": nil} {
		got, err := s.Tokens(ctx, app)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("of %q: %v (-want +got):\n%s", app, err, diff)
		}
	}
	for _, id := range []string{"d", "", "a\x00", "'"} {
		if _, err := s.Token(ctx, id); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("token %q: %v", id, err)
		}
		if err := s.RevokeToken(ctx, id, a.Created); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("revoking %q: %v", id, err)
		}
	}
	// The later use counts, the first revocation.
	used, revoked := a.Created.Add(2*time.Hour), a.Created.Add(3*time.Hour)
	for _, at := range []time.Time{used, used.Add(-time.Hour)} {
		if err := s.UseToken(ctx, "a", at); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []time.Time{revoked, revoked.Add(time.Hour)} {
		if err := s.RevokeToken(ctx, "a", at); err != nil {
			t.Fatal(err)
		}
	}
	a.Used, a.Revoked = used, revoked
	got, err := s.Token(ctx, "a")
	if diff := cmp.Diff(a, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func sessions(t *testing.T, s history.Store) {
	ctx := t.Context()
	a, b := Token("a", "app"), Token("b", "")
	for _, token := range []history.Token{a, b} {
		if err := s.AddToken(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	at := a.Created
	add := func(word string, of history.Token, created, expires time.Time) history.Session {
		t.Helper()
		session := history.Session{Hash: sha256.Sum256([]byte(word)), Token: of.ID, Created: created, Expires: expires}
		if err := s.AddSession(ctx, session); err != nil {
			t.Fatal(err)
		}
		return session
	}
	gone := func(session history.Session) {
		t.Helper()
		if _, _, err := s.Session(ctx, session.Hash); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("a session that has ended: %v", err)
		}
	}
	one, two, three := add("1", a, at, at.Add(time.Hour)), add("2", a, at, at.Add(9*time.Hour)), add("3", b, at, at.Add(9*time.Hour))
	session, token, err := s.Session(ctx, two.Hash)
	if diff := cmp.Diff([]any{two, a}, []any{session, token}); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	add("4", b, at.Add(2*time.Hour), at.Add(9*time.Hour))
	gone(one) // expired
	if err := s.RevokeToken(ctx, a.ID, at); err != nil {
		t.Fatal(err)
	}
	gone(two) // with its token
	for range 2 {
		if err := s.EndSession(ctx, three.Hash); err != nil {
			t.Fatal(err)
		}
	}
	gone(three)
}

// What changes has its entry in the audit log, what does not has none.
func audited(t *testing.T, s history.Store) {
	entry := history.Audit{Actor: "a", Remote: "127.0.0.1", Action: "x", App: "app", Detail: map[string]string{"k": "v"}}
	ctx := history.WithAudit(t.Context(), entry)
	entries := func() []history.Audit {
		t.Helper()
		list, err := s.AuditLog(t.Context(), history.AuditFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	pack := func(ids ...string) history.Batch {
		t.Helper()
		var b history.Batch
		for _, id := range ids {
			e, err := history.Pack(Sample(id))
			if err != nil {
				t.Fatal(err)
			}
			b.Entries = append(b.Entries, e)
		}
		return b
	}
	for _, want := range []struct {
		batch   history.Batch
		entries int
		runs    string
	}{{pack("R1", "R2"), 1, "2"}, {pack("R1"), 1, "2"}, {pack("R1", "R3"), 2, "1"}} {
		if _, err := s.AppendBatch(ctx, want.batch); err != nil {
			t.Fatal(err)
		}
		list := entries()
		if len(list) != want.entries || list[0].Detail["runs"] != want.runs || list[0].Detail["k"] != "v" || list[0].ID == "" {
			t.Fatalf("%+v; want %d entries, the newest of %s runs", list, want.entries, want.runs)
		}
	}
	opened, err := s.Act(t.Context(), history.Act{Kind: history.Opened, Finding: finding("app", "R1"), Author: history.Pacer})
	if err != nil {
		t.Fatal(err)
	}
	changes := []func() error{
		func() error { return s.SetBaseline(ctx, "R1") },
		func() error { return s.ClearBaseline(ctx, "app", nil) },
		func() error { _, err := s.Delete(ctx, "R2"); return err },
		func() error { return s.AddToken(ctx, Token("a", "app")) },
		func() error {
			return s.AddSession(ctx, history.Session{Token: "a", Created: time.Unix(1, 0), Expires: time.Unix(2, 0)})
		},
		func() error { return s.EndSession(ctx, [sha256.Size]byte{}) },
		func() error { return s.RevokeToken(ctx, "a", time.Unix(1, 0)) },
		func() error {
			_, err := s.Act(ctx, history.Act{Alert: opened.Alert, Kind: history.Acknowledged, Author: "a", Reason: "I am on it"})
			return err
		},
	}
	for i, change := range changes {
		before := len(entries())
		if err := change(); err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
		if got := len(entries()) - before; got != 1 {
			t.Errorf("change %d has %d entries", i, got)
		}
	}
	before := len(entries())
	for i, err := range []error{s.SetBaseline(ctx, "none"), s.ClearBaseline(ctx, "none", nil), s.RevokeToken(ctx, "none", time.Unix(1, 0)), s.AddToken(ctx, Token("a", ""))} {
		if err == nil {
			t.Errorf("change %d succeeded", i)
		}
	}
	if got := len(entries()) - before; got != 0 {
		t.Errorf("what failed has %d entries", got)
	}
}
