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
	}
}
