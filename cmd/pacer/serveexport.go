package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/html"
	"github.com/pacer-perf/pacer/internal/report/markdown"
)

// exportsOf are the reports that pages offer beside JSON and CSV.
func exportsOf(source *historic.Source) []dashboard.Export {
	export := func(path, title, contentType string, write func(io.Writer, *report.Report) error) dashboard.Export {
		return dashboard.Export{Path: path, Title: title, Write: func(ctx context.Context, w http.ResponseWriter, d dashboard.Document) error {
			found, err := source.Case(ctx, d.Verdict.Current.ID, d.Baseline)
			if err != nil {
				return err
			}
			r := report.New(found, d.Verdict, time.Now())
			r.Tool = "pacer " + versionNumber()
			r.Words = report.Words{Program: invocation(), Run: d.Verdict.Current.ID}
			if d.Baseline != "" {
				r.Words.Flags = []string{"--baseline", d.Baseline}
			}
			w.Header().Set("Content-Type", contentType)
			return write(w, r)
		}}
	}
	return []dashboard.Export{
		export("export.md", "Markdown", "text/markdown; charset=utf-8", markdown.Write),
		export("report.html", "HTML report", "text/html; charset=utf-8", func(w io.Writer, r *report.Report) error {
			// Its style stands in the page itself, which ours may not do.
			w.(http.ResponseWriter).Header().Set("Content-Security-Policy", html.Policy())
			return html.Write(w, r)
		}),
	}
}
