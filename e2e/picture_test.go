package e2e

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// With UPDATE set, the picture of the report in the documents is made anew.
func TestReportPicture(t *testing.T) {
	b := openReport(t)
	b.look(t, writePage(t, reporttest.Worked(), ""), 1120, "light")
	must(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(1120, 1500), chromedp.Reload()))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	must(t, err)
	if os.Getenv("UPDATE") != "" {
		must(t, os.WriteFile("../docs/report.png", png, 0o666))
	}
	if info, err := os.Stat("../docs/report.png"); err != nil || info.Size() < 20_000 {
		t.Errorf("docs/report.png: %v: UPDATE=1 go test -run Picture makes it", err)
	}
}
