package dashboard

import (
	"cmp"
	"net/http"
	"time"
)

// appsView lists the apps.
type appsView struct {
	view
	Rows []appRow
}

type appRow struct {
	Name, Href, Runs string // Runs: address of the list
	Count            int
	Newest           time.Time
	Environments     int // 0: not known, in a history of many runs
	Branches         int // likewise
}

func (h *Handler) apps(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	a := appsView{view: v}
	a.Title = "Apps"
	for _, app := range v.Apps {
		a.Rows = append(a.Rows, appRow{
			Name: cmp.Or(app.Name, "unnamed app"), Count: app.Runs, Newest: app.Newest, Environments: len(app.Environments), Branches: len(app.Branches),
			Href: v.Link("", "app", app.Name, "env", "", "branch", ""), Runs: v.Link("runs", "app", app.Name, "env", "", "branch", ""),
		})
	}
	return h.render(w, r, http.StatusOK, "apps", &a)
}
