package dashboard

import "net/http"

// page is one page: a file and a template of its name, and a line in the list.
type page struct {
	path  string // the last part of its address
	title string // in the navigation; "": it is not there
	key   string // after g, leads there
	// needs tells whether a source can show it; nil: any can.
	needs func(Source) bool
	get   func(*Handler, http.ResponseWriter, *http.Request) error
	post  func(*Handler, http.ResponseWriter, *http.Request) error // nil: it is only read
}

// pages are all pages, in the order of the navigation. It is filled by init,
// for pages refer to it.
var pages []page

func init() {
	pages = []page{
		{path: "", title: "Overview", key: "o", get: (*Handler).overview},
		{path: "metric", get: (*Handler).metric},
		{path: "compare", title: "Compare", key: "c", get: (*Handler).compare},
		{path: "runs", title: "Runs", key: "u", get: (*Handler).runs},
		{path: "settings", title: "Settings", key: "s", get: (*Handler).settings},

		{path: "export.json", get: (*Handler).exportJSON},
		{path: "export.csv", get: (*Handler).exportCSV},
		{path: "chart.svg", get: (*Handler).chartSVG},
		{path: "verdict.json", get: (*Handler).verdictJSON},
		{path: "healthz", get: (*Handler).health},
	}
}
