package dashboard

import (
	"net/http"
	"time"

	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// settingsView is what can be set for this browser, and where things are.
type settingsView struct {
	view
	Facts []fact
}

func (h *Handler) settings(w http.ResponseWriter, r *http.Request) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	s := settingsView{view: v}
	s.Title = "Settings"
	add := func(name, text string) { s.Facts = append(s.Facts, fact{name, text}) }
	account := h.account(r)
	// Where the data lie is nothing to those who do not run the server.
	runs := h.Accounts == nil || account.Admin && account.App == ""
	if l, ok := h.Source.(Located); ok && runs {
		at, err := l.Location(r.Context())
		if err == nil {
			add("Kept in", at.Place)
		} else {
			add("Kept in", err.Error())
		}
		if at.Bytes > 0 {
			add("Size", unit.ScaleOf(float64(at.Bytes), unit.Bytes).Format(float64(at.Bytes)))
		}
	}
	for _, a := range v.Apps {
		add("Runs of "+a.Name, report.Plural(a.Runs, "run")+", the newest "+ago(a.Newest, v.Now))
	}
	if p, err := h.Source.Policy(r.Context(), v.appName()); err != nil {
		add("Policy", err.Error())
	} else if p.Aside.App != "" {
		add("Policy", "none: "+v.aside(p))
	} else if p.File == "" {
		add("Policy", "none: a regression is a change of more than 5 % that noise does not explain")
	} else {
		add("Policy", p.File+": "+report.Plural(len(p.Budgets), "budget")+", "+report.Plural(len(p.Thresholds), "threshold")+", "+report.Plural(len(p.Waivers), "accepted change"))
	}
	if h.Accounts != nil {
		status, err := h.Accounts.Status(r)
		if err != nil {
			return err
		}
		switch {
		case account.Name != "" && account.App != "":
			add("You", account.Name+", of "+account.App+": "+account.Roles)
		case account.Name != "":
			add("You", account.Name+": "+account.Roles)
		case account.Admin:
			add("You", "not signed in: there are no tokens, so whoever reaches this may do everything")
		default:
			add("You", "not signed in: you may read")
		}
		add("Reading", status.Reading)
		add("Reached", status.Reached)
		add("Limits", status.Limits)
		add("Verdicts to come", report.Plural(status.Waiting, "run"))
	}
	add("Version", h.Version)
	add("Time here", v.Now.UTC().Format(time.RFC3339))
	return h.render(w, r, http.StatusOK, "settings", &s)
}
