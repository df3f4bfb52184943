package forge

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pacer-perf/pacer/internal/forge/forgetest"
	"github.com/pacer-perf/pacer/internal/request"
)

const marker = "<!-- pacer-comment v1 project=app env=linux-amd64 -->"

// inMemory hands requests to a handler without a network.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.Host = r.URL.Host
	m.ServeHTTP(w, r)
	return w.Result(), nil
}

// thread is the pull request of the stand-in.
func thread(kind Kind, f *forgetest.Forge, token string) *Thread {
	t := &Thread{Kind: kind, API: "http://forge.example", Project: "acme/app", Number: 7, Token: Token{"GITHUB_TOKEN", token}, Client: request.Client{Transport: inMemory{f}}}
	if kind == GitLab {
		t.API += "/api/v4"
		t.Token.Name = "GITLAB_TOKEN"
		if token == forgetest.Job {
			t.Token.Name = jobToken
		}
	}
	return t
}

// saying composes a comment that is wanted.
func saying(text string) func(string) (string, bool) {
	return func(string) (string, bool) { return marker + "\n" + text, true }
}

// kinds are the forges, each with the tokens that may write.
var kinds = []struct {
	kind  Kind
	token string
}{{GitHub, forgetest.App}, {GitHub, forgetest.Person}, {GitLab, forgetest.Person}}

// Whatever others write, in however many pages, there is one comment of ours
// after several pushes, and it says what was said last.
func TestPublish(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(fmt.Sprint(k.kind, " ", k.token), func(t *testing.T) {
			t.Parallel()
			f := &forgetest.Forge{}
			for i := range 250 {
				f.Add(forgetest.Note{Author: "somebody", Body: fmt.Sprintf("comment %d", i)})
			}
			f.Add(forgetest.Note{Author: "somebody", Body: marker + "\nwritten by hand"})
			f.Add(forgetest.Note{Author: "dependency-bot", Bot: true, Body: "> " + marker + "\nquoted"})
			f.Add(forgetest.Note{Author: "pacer", Bot: true, Body: strings.Replace(marker, "app", "other", 1) + "\nanother app"})
			th := thread(k.kind, f, k.token)
			for i, want := range []Done{Created, Edited, Edited} {
				var earlier string
				done, c, err := th.Publish(t.Context(), marker, func(e string) (string, bool) {
					earlier = e
					return fmt.Sprintf("%s\npush %d", marker, i), true
				})
				if err != nil || done != want || (earlier != "") != (i > 0) || c.ID == 0 {
					t.Fatalf("push %d: %s, %+v, earlier %q, %v", i, done, c, earlier, err)
				}
				if k.kind == GitHub && !strings.Contains(c.URL, "issuecomment") {
					t.Errorf("address %q", c.URL)
				}
			}
			notes := f.Notes()
			last := notes[len(notes)-1]
			if len(notes) != 254 || last.Body != marker+"\npush 2" || last.Edits != 2 {
				t.Errorf("%d comments, the last %+v", len(notes), last)
			}
		})
	}
}

func TestNotWanted(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		f := &forgetest.Forge{}
		done, _, err := thread(k.kind, f, k.token).Publish(t.Context(), marker, func(string) (string, bool) { return "", false })
		if err != nil || done != Nothing || len(f.Notes()) != 0 {
			t.Errorf("%s: %s, %v, %v", k.kind, done, f.Notes(), err)
		}
	}
}

// A build of a fork, a wrong token, a locked conversation: not allowed, and the
// token is in no error.
func TestDenied(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind    Kind
		token   string
		locked  bool
		message string
	}{
		{GitHub, forgetest.Fork, false, "Resource not accessible by integration"},
		{GitHub, "wrong-token", false, "GITHUB_TOKEN is not valid here"},
		{GitHub, forgetest.App, true, "locked"},
		{GitLab, forgetest.Job, false, "403 Forbidden"},
		{GitLab, "wrong-token", false, "GITLAB_TOKEN is not valid here"},
	}
	for _, tt := range tests {
		f := &forgetest.Forge{Locked: tt.locked}
		_, _, err := thread(tt.kind, f, tt.token).Publish(t.Context(), marker, saying("x"))
		if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), tt.token) || len(f.Notes()) != 0 {
			t.Errorf("%s %s: %v", tt.kind, tt.token, err)
		}
	}
}

// 429 is waited out for as long as the server says, whatever was asked.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		for _, nth := range []int{1, 2, 3, 4} {
			t.Run(fmt.Sprint(k.kind, " ", k.token, " request ", nth), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := &forgetest.Forge{Before: func(n int, w http.ResponseWriter, _ *http.Request) bool {
						if n != nth {
							return false
						}
						w.Header().Set("Retry-After", "17")
						w.WriteHeader(http.StatusTooManyRequests)
						return true
					}}
					start := time.Now()
					th := thread(k.kind, f, k.token)
					var told []string
					th.Client.Waiting = func(why string, _ time.Duration) { told = append(told, why) }
					for i := range 2 {
						if _, _, err := th.Publish(t.Context(), marker, saying(fmt.Sprint(i))); err != nil {
							t.Fatal(err)
						}
					}
					// No less, and no more than half as long again.
					if d := time.Since(start); d < 17*time.Second || d > 26*time.Second || !slices.Equal(told, []string{"rate limit"}) {
						t.Errorf("waited %v, told %q", d, told)
					}
					if notes := f.Notes(); len(notes) != 1 || notes[0].Body != marker+"\n1" {
						t.Errorf("%+v", notes)
					}
				})
			})
		}
	}
}

// A comment that was made although the answer was lost is not made again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(fmt.Sprint(k.kind, " ", k.token), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				lost := 0
				f := &forgetest.Forge{After: func(_ int, r *http.Request) bool {
					if r.Method == http.MethodPost && lost == 0 {
						lost++
						return true
					}
					return false
				}}
				done, _, err := thread(k.kind, f, k.token).Publish(t.Context(), marker, saying("x"))
				if err != nil || done != Edited || len(f.Notes()) != 1 || lost != 1 {
					t.Errorf("%s, %v, %+v", done, err, f.Notes())
				}
			})
		})
	}
}

// A server that fails for good is given up on in bounded time, without a
// comment too many.
func TestServerFails(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(fmt.Sprint(k.kind, " ", k.token, " ", method), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := &forgetest.Forge{Before: func(_ int, w http.ResponseWriter, r *http.Request) bool {
						if r.Method == method {
							w.WriteHeader(http.StatusServiceUnavailable)
						}
						return r.Method == method
					}}
					start := time.Now()
					_, _, err := thread(k.kind, f, k.token).Publish(t.Context(), marker, saying("x"))
					if err == nil || errors.Is(err, ErrDenied) || len(f.Notes()) != 0 || time.Since(start) > 2*time.Minute {
						t.Errorf("%v after %v", err, time.Since(start))
					}
				})
			})
		}
	}
}

// Jobs that comment at the same time leave one comment.
func TestTogether(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(fmt.Sprint(k.kind, " ", k.token), func(t *testing.T) {
			t.Parallel()
			// Nobody makes a comment before all have seen that there is none.
			const jobs = 4
			var looked sync.WaitGroup
			looked.Add(jobs)
			f := &forgetest.Forge{Before: func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					looked.Done()
					looked.Wait()
				}
				return false
			}}
			var all sync.WaitGroup
			for i := range jobs {
				all.Go(func() {
					if _, _, err := thread(k.kind, f, k.token).Publish(t.Context(), marker, saying(fmt.Sprint(i))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if notes := f.Notes(); len(notes) != 1 {
				t.Errorf("%+v", notes)
			}
		})
	}
}

// A next page elsewhere is not asked for: the token would go there.
func TestNextPage(t *testing.T) {
	t.Parallel()
	tests := []struct{ link, want string }{
		{`<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=9>; rel="last"`, "https://api.github.com/x?page=2"},
		{`<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=3>; rel="next"`, "https://api.github.com/x?page=3"},
		{`<https://evil.example/x?page=2>; rel="next"`, ""},
		{`<http://api.github.com/x?page=2>; rel="next"`, ""},
		{`<https://api.github.com/x?page=1>; rel="first"`, ""},
		{`rel="next"`, ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := nextPage(http.Header{"Link": {tt.link}}, "https://api.github.com"); got != tt.want {
			t.Errorf("nextPage(%q) = %q, want %q", tt.link, got, tt.want)
		}
	}
}

// A token is not printed by accident.
func TestTokenIsHidden(t *testing.T) {
	t.Parallel()
	th := thread(GitHub, &forgetest.Forge{}, "s3cret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, th.Token); strings.Contains(s, "s3cret") {
			t.Errorf("%s prints %s", verb, s)
		}
		if s := fmt.Sprintf(verb, *th); strings.Contains(s, "s3cret") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}

// What is longer than the forge takes is an error before it is sent.
func TestTooLong(t *testing.T) {
	t.Parallel()
	f := &forgetest.Forge{}
	_, _, err := thread(GitHub, f, forgetest.App).Publish(t.Context(), marker, saying(strings.Repeat("é", 70_000)))
	if err == nil || !strings.Contains(err.Error(), "65536") || len(f.Notes()) != 0 {
		t.Error(err)
	}
}
