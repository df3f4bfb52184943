package dashboard

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// Editing is who sends a request and what they may change. A nil field is not
// theirs to change.
type Editing struct {
	Author  string     // who asks; "": the form asks for a name
	Acts    alert.Log  // takes what people do about alerts
	Waivers Waivers    // takes changes that were accepted
	Policy  PolicyFile // of the app, whose budgets are edited
	Hint    string     // how to be allowed to do more, as people type it; "": there is no way
}

// editing is what the sender of a request may change.
func (h *Handler) editing(r *http.Request) Editing {
	if h.Editing == nil {
		return Editing{}
	}
	e := h.Editing(r)
	e.Author = strings.TrimSpace(e.Author)
	return e
}

// ofApp leaves the files alone where they are another app's: what is said of this
// one there would count for that one.
func (e *Editing) ofApp(ctx context.Context, app string) {
	if e.Policy == nil {
		return
	}
	text, err := e.Policy.Read(ctx)
	if err != nil {
		return // which is said where it is edited
	}
	if p, err := e.Policy.Parse(text.Text); err == nil && p.App != "" && app != "" && p.App != app {
		e.Policy, e.Waivers, e.Hint = nil, nil, ""
	}
}

// forbidden is the answer to whoever wants to change what is not theirs to
// change.
func (e *Editing) forbidden() error {
	return &problem{status: http.StatusForbidden, Title: "These pages only read", Text: "What was sent changed nothing: nobody may change that here.", Hint: e.Hint}
}

// Waivers is a file of accepted changes.
type Waivers interface {
	// Accept adds a waiver and returns where it stands: pacer.waivers.yaml. An
	// error that is a *RefusedError says what a person can do about it.
	Accept(ctx context.Context, w judge.Waiver) (place string, err error)
	// Withdraw takes a waiver out again. It is no error if it is gone.
	Withdraw(ctx context.Context, w judge.Waiver) error
}

// RefusedError is something that was not done, and what to do instead.
type RefusedError struct{ Text, Hint string }

func (e *RefusedError) Error() string { return e.Text }

// maxPosted is the largest form that is taken, in bytes.
const maxPosted = 2 << 20

// posted reads the form of a request that changes something: from a page of
// ours, and of a size that a person makes.
func (h *Handler) posted(w http.ResponseWriter, r *http.Request) error {
	if err := h.crossOrigin.Check(r); err != nil {
		return &problem{status: http.StatusForbidden, Title: "That came from another site", Text: "Only these pages themselves may change something here.", cause: err}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxPosted)
	if err := r.ParseForm(); err != nil {
		return &problem{status: http.StatusBadRequest, Title: "The form cannot be read", Text: err.Error() + ".", cause: err}
	}
	return nil
}

// PolicyFile is the file of a policy, as people write it and pages edit it.
type PolicyFile interface {
	// Read returns the file as it is now. One that is not there is empty.
	Read(ctx context.Context) (PolicyText, error)
	// Parse reads a text; the error says what is wrong, and in which line.
	Parse(text []byte) (judge.Policy, error)
	// Edit makes changes in a text and touches nothing else. A value that is not
	// one is a *FieldError; a text that cannot be changed without touching more
	// is a *RefusedError.
	Edit(text []byte, e PolicyEdits) ([]byte, error)
	// Write replaces the file by a text, whole or not at all, if it is still as
	// a revision was; else it returns a *ChangedError. A file that cannot be
	// written is a *RefusedError.
	Write(ctx context.Context, text []byte, revision string) error
	// Suggest proposes budgets out of comparable runs, oldest first. Too few of
	// them are a *RefusedError.
	Suggest(runs []*run.Run) ([]Suggestion, error)
}

// PolicyText is a policy as it is written.
type PolicyText struct {
	Place    string // pacer.yaml
	Text     []byte
	Revision string    // changes with the text
	Modified time.Time // zero: not known
	ReadOnly string    // why it cannot be written; "": it can
}

// PolicyEdits are changes of a policy.
type PolicyEdits struct {
	Budgets []BudgetEdit
	Checks  []CheckEdit
}

// BudgetEdit says what the budget of a pattern is to be. An empty limit is none;
// without any limit there is no budget.
type BudgetEdit struct {
	Metric                               judge.Pattern
	Statistic, Target, Warning, Critical string
}

// CheckEdit says what another key is to be: change, confidence, fail_on. Without
// a value it is as if nothing was said.
type CheckEdit struct{ Key, Value string }

// FieldError is a value that is not one.
type FieldError struct {
	Metric judge.Pattern // "": of another key
	Field  string        // metric, statistic, target, warning, critical; or the key
	Text   string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Text }

// ChangedError is a file that somebody else changed meanwhile.
type ChangedError struct{ Now PolicyText }

func (e *ChangedError) Error() string { return e.Now.Place + " has changed meanwhile" }

// Suggestion is a budget that past runs call for.
type Suggestion struct {
	Metric      judge.Pattern
	Target, Why string
}

// Recalling is a Source that knows what the last versions measured.
type Recalling interface {
	// Versions returns what was measured of each metric in the newest run of
	// each of the last n versions up to a run, of those that are comparable
	// with it, oldest first. Runs without a version count each.
	Versions(ctx context.Context, id string, n int) ([]Recalled, error)
	// Comparable returns the last n runs up to a run that are comparable with
	// it, whole, oldest first.
	Comparable(ctx context.Context, id string, n int) ([]*run.Run, error)
}

// Recalled is what some runs measured of one metric.
type Recalled struct {
	Name, Unit string
	Labels     map[string]string
	Better     run.Better
	Runs       []judge.Head
	Stats      []run.Stats // likewise; what a history does not keep is NaN
}
