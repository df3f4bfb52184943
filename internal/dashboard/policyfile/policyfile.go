// Package policyfile is pacer.yaml and pacer.waivers.yaml as the pages of the
// dashboard edit them: in files, or in memory for what is made up.
package policyfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/atomicfile"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/run"
)

// store is where a text is kept.
type store interface {
	// read returns the text; one that is not there is empty.
	read() (text []byte, modified time.Time, err error)
	// write replaces the text, whole or not at all.
	write(text []byte) error
	// readOnly says why it cannot be written; "": it can.
	readOnly() string
}

// Policy is a policy that pages edit. Its methods may be called from any
// goroutine: of two writers that have seen the same text, one is told.
type Policy struct {
	place string
	mu    sync.Mutex
	store store
}

var _ dashboard.PolicyFile = (*Policy)(nil)

// Open returns the policy in a file, which need not be there yet. Place is what
// people call it.
func Open(path, place string) *Policy { return &Policy{place: place, store: &file{path}} }

// InMemory returns a policy that is kept in memory.
func InMemory(text, place string) *Policy {
	return &Policy{place: place, store: &inMemory{text: []byte(text)}}
}

// Read returns the text as it is now.
func (p *Policy) Read(context.Context) (dashboard.PolicyText, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

func (p *Policy) now() (dashboard.PolicyText, error) {
	text, modified, err := p.store.read()
	if err == nil && len(text) > policy.MaxSize {
		err = fmt.Errorf("%s is larger than %d MiB", p.place, policy.MaxSize>>20)
	}
	return dashboard.PolicyText{Place: p.place, Text: text, Revision: revision(text), Modified: modified, ReadOnly: p.store.readOnly()}, err
}

func revision(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:10])
}

// Parse reads a text as a policy.
func (p *Policy) Parse(text []byte) (judge.Policy, error) {
	return policy.Read(bytes.NewReader(text), p.place)
}

// Edit makes changes in a text: see policy.Edit.
func (p *Policy) Edit(text []byte, e dashboard.PolicyEdits) ([]byte, error) {
	var edits policy.Edits
	for _, b := range e.Budgets {
		edits.Budgets = append(edits.Budgets, policy.BudgetEdit(b))
	}
	for _, c := range e.Checks {
		edits.Checks = append(edits.Checks, policy.CheckEdit(c))
	}
	out, err := policy.Edit(text, edits)
	var field *policy.FieldError
	switch {
	case errors.As(err, &field):
		return nil, &dashboard.FieldError{Metric: field.Metric, Field: field.Field, Text: field.Msg + "."}
	case errors.Is(err, policy.ErrByHand):
		return nil, &dashboard.RefusedError{Text: p.place + " is written in a way that cannot be changed here without touching more.", Hint: "Edit it by hand."}
	}
	return out, err
}

// Write replaces the text if it is still as a revision was.
func (p *Policy) Write(_ context.Context, text []byte, was string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, err := p.now()
	switch {
	case err != nil:
		return err
	case now.Revision != was:
		return &dashboard.ChangedError{Now: now}
	case now.ReadOnly != "":
		return &dashboard.RefusedError{Text: now.ReadOnly}
	}
	if _, err := p.Parse(text); err != nil {
		return err // nothing that does not read is ever written
	}
	if err := p.store.write(text); err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errReadOnly) {
			return &dashboard.RefusedError{Text: fmt.Sprintf("%s cannot be written: %v.", p.place, err)}
		}
		return err
	}
	return nil
}

// Suggest proposes budgets out of runs: see policy.SuggestBudgets.
func (p *Policy) Suggest(runs []*run.Run) ([]dashboard.Suggestion, error) {
	list, err := policy.SuggestBudgets(runs)
	var few *policy.TooFewError
	if errors.As(err, &few) {
		return nil, &dashboard.RefusedError{Text: err.Error() + "."}
	}
	var out []dashboard.Suggestion
	for _, s := range list {
		out = append(out, dashboard.Suggestion(s))
	}
	return out, err
}

// Current is the policy as it is now, with the waivers beside it.
func Current(p *Policy, w *Waivers) (judge.Policy, error) {
	text, err := p.Read(context.Background())
	if err != nil {
		return judge.Policy{}, err
	}
	out, err := p.Parse(text.Text)
	if err != nil {
		return out, err
	}
	out.Waivers, err = w.Read()
	return out, err
}

// Waivers is a file of accepted changes that pages add to.
type Waivers struct {
	place string
	mu    sync.Mutex
	store store
}

var _ dashboard.Waivers = (*Waivers)(nil)

// OpenWaivers returns the waivers in a file, which need not be there yet.
func OpenWaivers(path, place string) *Waivers { return &Waivers{place: place, store: &file{path}} }

// WaiversInMemory returns waivers that are kept in memory.
func WaiversInMemory(text, place string) *Waivers {
	return &Waivers{place: place, store: &inMemory{text: []byte(text)}}
}

// Read returns the waivers as they are now.
func (w *Waivers) Read() ([]judge.Waiver, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, _, err := w.store.read()
	if err != nil {
		return nil, err
	}
	return policy.ReadWaivers(bytes.NewReader(text), w.place)
}

// Accept adds a waiver and returns the name of the file.
func (w *Waivers) Accept(_ context.Context, one judge.Waiver) (string, error) {
	return w.place, w.change(func(text []byte) ([]byte, error) { return policy.AddWaiver(text, one, false) })
}

// Withdraw takes a waiver out again.
func (w *Waivers) Withdraw(_ context.Context, one judge.Waiver) error {
	return w.change(func(text []byte) ([]byte, error) { return policy.RemoveWaiver(text, one) })
}

func (w *Waivers) change(edit func([]byte) ([]byte, error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, _, err := w.store.read()
	if err != nil {
		return err
	}
	out, err := edit(text)
	var waived *policy.WaivedError
	switch {
	case errors.As(err, &waived):
		return &dashboard.RefusedError{Text: fmt.Sprintf("It is accepted already, at %s: %s.", waived.Waiver.Place, waived.Waiver.Reason), Hint: "Replace that with pacer accept --replace."}
	case errors.Is(err, policy.ErrByHand):
		return &dashboard.RefusedError{Text: w.place + " is written in a way that cannot be changed here.", Hint: "Edit it by hand."}
	case err != nil:
		return err
	case bytes.Equal(out, text):
		return nil
	}
	if why := w.store.readOnly(); why != "" {
		return &dashboard.RefusedError{Text: why, Hint: "Write it where it can be committed: pacer accept."}
	}
	return w.store.write(out)
}

// inMemory keeps a text as long as the program runs.
type inMemory struct{ text []byte }

func (m *inMemory) read() ([]byte, time.Time, error) { return m.text, time.Time{}, nil }
func (m *inMemory) readOnly() string                 { return "" }
func (m *inMemory) write(text []byte) error          { m.text = bytes.Clone(text); return nil }

// file keeps a text in a file.
type file struct{ path string }

func (f *file) read() ([]byte, time.Time, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, time.Time{}, err
	}
	return text, info.ModTime(), nil
}

// readOnly looks at the file alone: whether its folder takes another one is
// seen when it is written.
func (f *file) readOnly() string {
	info, err := os.Stat(f.path)
	if err != nil {
		return "" // it is made
	}
	name := filepath.Base(f.path)
	if info.Mode().Perm()&0o222 == 0 {
		return name + " is read-only."
	}
	open, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Sprintf("%s cannot be written: %v.", name, reason(err))
	}
	open.Close()
	return ""
}

// reason is an error without the path, which is not everybody's business.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (f *file) write(text []byte) error {
	return atomicfile.Write(f.path, func(w io.Writer) error { _, err := w.Write(text); return err })
}
