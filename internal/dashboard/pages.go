package dashboard

import "net/http"

// page is one page: a file and a template of its name, and a line in the list.
type page struct {
	path  string // the last part of its address
	title string // in the navigation; "": it is not there
	key   string // after g, leads there
	// needs tells whether a source can show it; nil: any can.
	needs func(Source) bool
	// who tells whom it is for, where there are accounts; nil: no matter. A page
	// with it is there only where there are.
	who  func(Account) bool
	get  func(*Handler, http.ResponseWriter, *http.Request) error
	post func(*Handler, http.ResponseWriter, *http.Request) error // nil: it is only read
}

// pages returns all pages, in the order of the navigation. It is a function, for
// pages refer to it, and a program that shows none must not link them.
func pages() []page {
	return []page{
		{path: "", title: "Overview", key: "o", get: (*Handler).front},
		{path: "live", title: "Live", key: "l", needs: inProcess, get: (*Handler).live},
		{path: "history", title: "History", key: "h", needs: pastBeside, get: (*Handler).overview},
		{path: "metric", needs: hasPast, get: (*Handler).metric},
		{path: "compare", title: "Compare", key: "c", needs: hasPast, get: (*Handler).compare},
		{path: "regressions", title: "Regressions", key: "r", needs: alerting, get: (*Handler).regressions, post: (*Handler).act},
		{path: "budgets", title: "Budgets", key: "b", needs: hasPast, get: (*Handler).budgets, post: (*Handler).editBudgets},
		{path: "runs", title: "Runs", key: "u", needs: hasPast, get: (*Handler).runs},
		{path: "apps", title: "Apps", key: "a", who: readers, get: (*Handler).apps},
		{path: "tokens", title: "Tokens", key: "k", who: admins, get: (*Handler).tokens, post: (*Handler).changeTokens},
		{path: "settings", title: "Settings", key: "s", get: (*Handler).settings},

		{path: "events", needs: inProcess, get: (*Handler).events},
		{path: "snapshot.json", needs: inProcess, get: (*Handler).snapshotJSON},
		{path: "run.json", needs: inProcess, get: (*Handler).runJSON},
		{path: "window.json", needs: inProcess, get: (*Handler).windowJSON},
		{path: "window", needs: inProcess, get: (*Handler).live, post: (*Handler).keepWindow},
		{path: "recording", needs: inProcess, get: (*Handler).front, post: (*Handler).switchRecording},
		{path: "evidence", needs: inProcess, get: (*Handler).evidence},

		{path: "export.json", needs: hasPast, get: (*Handler).exportJSON},
		{path: "export.csv", needs: hasPast, get: (*Handler).exportCSV},
		{path: "chart.svg", needs: hasPast, get: (*Handler).chartSVG},
		{path: "regressions.json", needs: alerting, get: (*Handler).regressionsJSON},
		{path: "regressions.atom", needs: alerting, get: (*Handler).atom},
		{path: "verdict.json", needs: hasPast, get: (*Handler).verdictJSON},
		{path: SignInPath, who: anybody, get: (*Handler).signIn, post: (*Handler).signedIn},
		{path: "signout", who: anybody, get: onlyPost, post: (*Handler).signOut},
		{path: "healthz", get: (*Handler).health},
	}
}
