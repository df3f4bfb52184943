package dashboard

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// conflict is what somebody else changed meanwhile.
type conflict struct {
	Theirs []diffLine // from what the form was made of to what is there
	Mine   []diffLine // from what is there to what it would be
	Fields []Link     // of the form that puts this onto that
	Reload string
	Broken string // why it cannot be
}

// editBudgets takes the form: to look at what it would do, or to save it.
func (h *Handler) editBudgets(w http.ResponseWriter, r *http.Request) error {
	if may := h.editing(r); may.Policy == nil {
		return may.forbidden()
	}
	if err := h.posted(w, r); err != nil {
		return err
	}
	form := r.PostForm
	query := make(url.Values)
	for _, name := range kept {
		if value := form.Get(name); value != "" {
			query.Set(name, value)
		}
	}
	r.URL.RawQuery = query.Encode()
	b, err := h.budgetsPage(r)
	if err != nil {
		return err
	}
	if !b.Form {
		return b.May.forbidden()
	}
	now, err := b.read(r.Context())
	if err != nil {
		return err
	}
	base, err := base64.StdEncoding.DecodeString(form.Get("was"))
	if err == nil {
		_, err = b.May.Policy.Parse(base)
	}
	if err != nil {
		return &problem{status: http.StatusBadRequest, Title: "The form is not one of ours", Text: "It does not say what it was made from.", cause: err}
	}
	was := now // what the form was made from, which is what it is shown against
	was.Text = base
	e := newEditor(h, b, was)
	e.fromForm(form)
	if err := e.show(r.Context()); err != nil {
		return err
	}
	switch {
	case form.Get("act") != "save":
		return h.render(w, r, http.StatusOK, "budgets", b)
	case b.Errors > 0:
		return h.render(w, r, http.StatusUnprocessableEntity, "budgets", b)
	case !bytes.Equal(now.Text, base):
		return h.conflict(w, r, e, now)
	}
	return h.saveBudgets(w, r, e, now.Revision)
}

// saveBudgets writes what the form makes of the file, if that is still as a
// revision was.
func (h *Handler) saveBudgets(w http.ResponseWriter, r *http.Request, e *editor, revision string) error {
	b := e.budgetsView
	err := b.May.Policy.Write(r.Context(), e.out, revision)
	var meanwhile *ChangedError
	var no *RefusedError
	switch {
	case errors.As(err, &meanwhile):
		return h.conflict(w, r, e, meanwhile.Now)
	case errors.As(err, &no):
		b.ReadOnly = strings.TrimSpace(no.Text + " " + no.Hint)
		return h.render(w, r, http.StatusConflict, "budgets", b)
	case err != nil:
		return err
	}
	saved, err := b.May.Policy.Read(r.Context())
	if err != nil {
		return err
	}
	return seeOther(w, b.Link("budgets", "saved", saved.Revision))
}

// conflict shows both: what somebody else changed, and what this would do to
// that. Nothing is written.
func (h *Handler) conflict(w http.ResponseWriter, r *http.Request, e *editor, now PolicyText) error {
	b := e.budgetsView
	edits := e.onto(now)
	c := &conflict{Theirs: lineDiff(string(e.text.Text), string(now.Text)), Fields: b.fieldsOf(now, edits), Reload: b.Discard}
	b.Conflict = c
	merged, err := b.May.Policy.Edit(now.Text, edits)
	if err != nil {
		c.Broken = err.Error()
	} else {
		c.Mine = lineDiff(string(now.Text), string(merged))
	}
	return h.render(w, r, http.StatusConflict, "budgets", b)
}

// fieldsOf is a form that makes edits in a text.
func (b *budgetsView) fieldsOf(text PolicyText, edits PolicyEdits) []Link {
	list := append(b.Kept(), Link{"was", base64.StdEncoding.EncodeToString(text.Text)})
	for i, e := range edits.Budgets {
		n := "." + strconv.Itoa(i)
		list = append(list, Link{"metric" + n, string(e.Metric)}, Link{"statistic" + n, e.Statistic}, Link{"target" + n, e.Target}, Link{"warning" + n, e.Warning}, Link{"critical" + n, e.Critical})
		if e.Target+e.Warning+e.Critical == "" {
			list = append(list, Link{"remove" + n, "1"})
		}
	}
	for _, e := range edits.Checks {
		list = append(list, Link{e.Key, e.Value})
	}
	return list
}
