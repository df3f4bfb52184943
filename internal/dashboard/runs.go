package dashboard

import (
	"net/http"
	"strconv"

	"github.com/pacer-perf/pacer/internal/judge"
)

// runsView lists the runs, newest first.
type runsView struct {
	view
	Choices      []choice
	Rows         []runRow
	Total        int
	Newest       int // that they are of; 0: of all
	From, To     int // numbers of the first and the last row, from 1
	Newer, Older string
	Clear        string
}

// runRow is a run.
type runRow struct {
	Run     judge.Head
	Where   string
	Href    string
	Verdict string // address of its verdict, for script
	A, B    bool   // chosen at first
}

const runsPage = 50

func (h *Handler) runs(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	l := runsView{view: v}
	l.Title = "Runs"
	page, err := strconv.Atoi(v.Query.Get("page"))
	if err != nil || page < 1 || page > 1<<30 {
		page = 1
	}
	f := l.filter()
	f.Text, f.Skip, f.Limit = v.Query.Get("q"), (page-1)*runsPage, runsPage
	list, err := h.Source.Runs(r.Context(), f)
	if err != nil {
		return err
	}
	l.Choices, l.Total, l.Newest = l.filters(), list.Total, list.Newest
	l.Clear = l.With("q", "", "env", "", "branch", "", "page", "")
	for i := range list.Heads {
		head := &list.Heads[i]
		l.Rows = append(l.Rows, runRow{
			Run: judge.HeadOf(head), Where: EnvironmentName(head.Environment, head.Labels), Href: l.Link("", "run", head.ID),
			Verdict: l.Link("verdict.json", "run", head.ID), A: i == 1, B: i == 0,
		})
	}
	if len(l.Rows) > 0 {
		l.From, l.To = f.Skip+1, f.Skip+len(l.Rows)
	}
	if page > 1 {
		l.Newer = l.With("page", strconv.Itoa(page-1))
	}
	if l.To < l.Total && len(l.Rows) > 0 {
		l.Older = l.With("page", strconv.Itoa(page+1))
	}
	return h.render(w, r, http.StatusOK, "runs", &l)
}
