package text

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/unit"
)

// ShortID is how much of the id of an alert is shown.
const ShortID = 8

// Alerts writes alerts: what began in one range of commits together, a line an
// alert. Of those that are left out, foot says how many there are.
func Alerts(w io.Writer, list []alert.Alert, foot string, o Options) error {
	p := newPrinter(w, o)
	for _, e := range alert.Entries(list) {
		p.entry(&e)
	}
	p.line("%s", foot)
	return p.err
}

func (p *printer) entry(e *alert.Entry) {
	head := "since " + report.RunName(&e.Bad)
	if e.Good != nil {
		head += ", after " + report.RunName(e.Good)
	}
	if at := e.Bad.Timestamp; at != nil {
		head += ", " + at.UTC().Format(time.DateOnly)
	}
	p.wrapped("", "  ", head)
	t := table{right: []bool{false, true, true, true, false, false}, limit: max(20, p.width-54), indent: 2}
	for i := range e.Alerts {
		a := &e.Alerts[i]
		f := &a.Finding
		change := "-"
		if r := a.Ratio(); r > 0 {
			change = unit.Percent(r)
		}
		t.add(cell{f.Key(), plain}, cell{short(unit.Format(f.Before, f.Unit)), faint}, cell{short(unit.FormatLike(a.Now, f.Before, f.Unit)), plain},
			cell{change, paintOfState(a.State)}, cell{string(a.State), paintOfState(a.State)}, cell{a.ID[:ShortID], faint})
	}
	p.write(&t)
	places := make(map[string]bool)
	for i := range e.Alerts {
		if words := e.Alerts[i].Finding.Environment; words != "" && !places[words] {
			places[words] = true
			p.wrapped("    ", "    ", words)
		}
	}
	p.line("")
}

func paintOfState(s history.State) paint {
	switch s {
	case history.StateOpen:
		return red
	case history.StateAcknowledged:
		return yellow
	}
	return faint
}

// Alert writes all that is known of an alert.
func Alert(w io.Writer, a *alert.Alert, o Options) error {
	p := newPrinter(w, o)
	f := &a.Finding
	change := ""
	if r := a.Ratio(); r > 0 {
		change = ", " + unit.Percent(r)
	}
	p.line("%s  %s, %s -> %s%s  %s", p.paint(bold, printable(f.Key())), a.ID, unit.Format(f.Before, f.Unit), unit.FormatLike(a.Now, f.Before, f.Unit), change, p.paint(paintOfState(a.State), string(a.State)))
	fact := func(name, text string) {
		if text != "" {
			p.wrapped(fmt.Sprintf("%-12s ", name), strings.Repeat(" ", 13), printable(text))
		}
	}
	fact("why", f.Why)
	since := report.RunName(&a.Bad) + ", run " + a.Bad.ID
	if a.Good != nil {
		since += "; before it " + report.RunName(a.Good)
	}
	fact("since", since)
	if a.Back != nil {
		fact("back", "from "+report.RunName(a.Back)+" on")
	}
	if f.Stage != "" {
		fact("where", fmt.Sprintf("%.0f%% of it in the stage %q", 100*f.Share, f.Stage))
	}
	fact("environment", f.Environment)
	if a.State == history.StateMuted {
		fact("until", alert.Ends(a.Until))
	}
	fact("state", a.Note)
	if len(a.Trend) > 1 {
		p.line("  %s", report.Blocks(a.Trend, chartWidth, o.ASCII))
	}
	undone := make(map[int]bool)
	for _, act := range a.Acts {
		undone[act.Undoes] = true
	}
	for i := range a.Acts {
		act := &a.Acts[i]
		if act.Kind == history.Opened {
			continue
		}
		line := fmt.Sprintf("%d. %s %s %s", act.N, act.Time.UTC().Format("2006-01-02 15:04"), act.Author, Did(act))
		if undone[act.N] {
			line += " (undone)"
		}
		p.wrapped("  ", "     ", printable(line))
	}
	return p.err
}

// Did says what somebody did: muted it until version 2.0: the reason.
func Did(act *history.Act) string {
	text := map[history.ActKind]string{
		history.Acknowledged: "acknowledged it", history.Muted: "muted it", history.Accepted: "accepted it", history.Dismissed: "said that it is not real",
		history.Fixed: "said that it is fixed", history.Reopened: "opened it again", history.Undone: fmt.Sprint("undid ", act.Undoes),
	}[act.Kind]
	if until := alert.Ends(act.Until); until != "" {
		text += " until " + until
		if act.Until.AnyEnvironment {
			text += ", in every environment"
		}
	}
	return text + ": " + act.Reason
}
