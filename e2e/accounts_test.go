package e2e

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/sqlite"
	"github.com/pacer-perf/pacer/internal/server"
)

// team is a server for those who have a token, over some runs of the made-up
// year, and a token that may do everything.
func team(t testing.TB) (*server.Server, string) {
	t.Helper()
	store, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	runs := madeup.Runs(now)
	for _, r := range runs[max(0, len(runs)-40):] {
		if _, err := store.Append(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	secret := ""
	for _, want := range []server.NewToken{{Name: "ci", App: "cuepoint", Roles: []string{"ingest"}, Days: 90}, {Name: "a laptop with a long name of its own", Roles: []string{"read", "write"}}, {Name: "me", Roles: []string{"admin"}}} {
		if _, secret, err = server.CreateToken(context.Background(), store, server.Who{Name: "me"}, want, now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	var s *server.Server
	s = server.New(server.Config{
		Open: func(context.Context, bool) (history.Store, error) { return store, nil },
		Log:  log, Now: func() time.Time { return now }, Limits: server.Limits{Rate: 1e6, Burst: 1e6},
		Pages: func(v server.View) http.Handler {
			opening, moved := s.History(v)
			source := historic.New(historic.Config{Open: opening, Moved: moved, Now: func() time.Time { return now }})
			return dashboard.New(dashboard.Config{Source: source, Accounts: s.Accounts(), Version: "0.0.0", Log: log, Now: func() time.Time { return now }})
		},
	})
	t.Cleanup(func() { s.Close() })
	return s, secret
}

// admins serves the pages of a server to somebody who may do everything.
func admins(t testing.TB) http.Handler {
	s, secret := team(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+secret)
		s.ServeHTTP(w, r)
	})
}

// strangers serves them to whoever comes.
func strangers(t testing.TB) http.Handler {
	s, _ := team(t)
	return s
}

// With script or without, from the keyboard: sign in with a token, make one for
// somebody else, revoke it, sign out.
func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]window{"script": {}, "no script": {NoScript: true}, "narrow": {Width: 320}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, secret := team(t)
			b := open(t, s, w)
			b.expected = append(b.expected, "status of 401", "status of 201")
			arrives := b.arrives
			if w.NoScript {
				arrives = func(what, expression string) { b.until(what, expression+` && document.readyState === "complete"`) }
			}
			b.visit("runs")
			arrives("the page to sign in", `location.pathname.endsWith("/signin") && document.activeElement?.name === "token"`)
			b.write("pacer_wrong")
			b.press("Enter")
			arrives("a refusal", `document.querySelector("[role=alert]")?.textContent.includes("the token is not valid") && document.activeElement?.name === "token"`)
			b.write(secret)
			b.press("Enter")
			arrives("what was asked for", `location.pathname.endsWith("/runs") && document.querySelector("tbody th a")`)
			b.visit("tokens")
			b.tabTo("[name=name]")
			b.write("another")
			b.press("Enter")
			arrives("the new token", `document.querySelector("#secret")?.textContent.startsWith("pacer_")`)
			made := eval[string](b, `document.querySelector("#secret").textContent`)
			b.visit("tokens")
			if page := eval[string](b, `document.body.textContent`); strings.Contains(page, made) || !strings.Contains(page, "another") {
				t.Error("the list of tokens")
			}
			b.tabTo(`button[aria-label="Revoke another"]`)
			b.press("Enter")
			arrives("no button for what was revoked", `document.querySelector("table.tokens") && !document.querySelector('button[aria-label="Revoke another"]')`)
			b.tabTo("form.account button")
			b.press("Enter")
			arrives("the page to sign in again", `location.pathname.endsWith("/signin")`)
			b.visit("")
			arrives("and no other", `location.pathname.endsWith("/signin")`)
			b.violations()
		})
	}
}

// In windows of any width the tables of the server's pages keep words whole, and
// a token is revoked without scrolling aside where they are stacked.
func TestServerTables(t *testing.T) {
	t.Parallel()
	b := open(t, admins(t), window{})
	for _, width := range []int64{390, 700, 900, 1280} {
		b.resize(window{Width: width})
		for _, path := range []string{"apps", "tokens"} {
			b.visit(path)
			// A short text without a blank stands in one line.
			broken := eval[[]string](b, `[...document.querySelectorAll("tbody :is(th,td)")].flatMap(cell => {
				const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
				for (let n; (n = texts.nextNode());) for (const m of n.data.matchAll(/\S{2,10}/g)) {
					if (n.parentElement.closest("summary,code")) continue;
					const r = document.createRange();
					r.setStart(n, m.index); r.setEnd(n, m.index + m[0].length);
					if (m[0].length < 10 && new Set([...r.getClientRects()].map(c => Math.round(c.top))).size > 1) found.push(m[0]);
				}
				return found;
			})`)
			if len(broken) > 0 {
				t.Errorf("%s, %d px wide, breaks %q", path, width, broken)
			}
		}
		if right := eval[float64](b, `document.querySelector("button[name=revoke]").getBoundingClientRect().right`); width <= 840 && right > float64(width) {
			t.Errorf("%d px wide, Revoke ends at %v", width, right)
		}
	}
}
