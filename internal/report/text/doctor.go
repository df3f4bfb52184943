package text

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/pacer-perf/pacer/internal/doctor"
	"github.com/pacer-perf/pacer/internal/unit"
)

// Doctor writes what an examination of the machine found.
func Doctor(w io.Writer, r *doctor.Report, o Options) error {
	p := newPrinter(w, o)
	env, m := &r.Environment, &r.Machine
	p.line("%s", p.paint(bold, "machine"))
	fact := func(name, value string) {
		if value != "" {
			p.wrapped(fmt.Sprintf("  %-10s ", name), strings.Repeat(" ", 13), value)
		}
	}
	percent := func(v *float64) string {
		if v == nil {
			return ""
		}
		return fmt.Sprintf("%.1f%%", 100**v)
	}
	fact("system", strings.TrimSpace(env.OS+"/"+env.Arch+" "+env.Kernel))
	fact("processor", fmt.Sprintf("%s, %d logical", cmp.Or(env.CPU, "unknown model"), env.Cores))
	if env.CPULimit > 0 {
		fact("cpu limit", fmt.Sprintf("%.3g processors", env.CPULimit))
	}
	memory := unit.Format(float64(env.Memory), unit.Bytes)
	if m.Available > 0 {
		memory += ", " + unit.Format(float64(m.Available), unit.Bytes) + " available"
	}
	if env.MemoryLimit > 0 {
		memory += ", limited to " + unit.Format(float64(env.MemoryLimit), unit.Bytes)
	}
	fact("memory", memory)
	var untold []string
	for _, f := range []struct{ name, value string }{{"virtual", env.Virtual}, {"governor", env.Governor}, {"turbo", env.Turbo}, {"smt", env.SMT}, {"aslr", env.ASLR}} {
		if fact(f.name, f.value); f.value == "" {
			untold = append(untold, f.name)
		}
	}
	fact("clock", strings.TrimSpace(env.Clock+" "+unit.Format(m.ClockCost, unit.Seconds)+" a reading"))
	fact("counters", env.Counters)
	if m.Load != nil {
		fact("load", fmt.Sprintf("%.2f in the last minute", *m.Load))
	}
	if r.Busy != nil {
		fact("others", fmt.Sprintf("used %.0f%% of the processors' time meanwhile", 100*r.Busy.Others))
	}
	if m.Pressure != nil {
		fact("pressure", percent(m.Pressure)+" of the ten seconds before, some process waited for a processor")
	}
	if m.Steal != nil {
		steal := percent(m.Steal) + " since the start"
		if r.Busy != nil {
			steal += fmt.Sprintf(", %.1f%% meanwhile", 100*r.Busy.Steal)
		}
		fact("steal", steal)
	}
	if m.Throttled != nil && *m.Throttled > 0 {
		throttled := fmt.Sprintf("%d times since the container was made", *m.Throttled)
		if r.Busy != nil && r.Busy.Throttled != nil {
			throttled += fmt.Sprintf(", %d meanwhile", *r.Busy.Throttled)
		}
		fact("throttled", throttled)
	}
	if untold != nil {
		fact("not told", strings.Join(untold, ", ")+": the system does not say")
	}

	p.line("")
	p.line("%s", p.paint(bold, "noise: the same work again and again, and the smallest change to be seen"))
	t := table{right: []bool{false, true, true, true, true, true, true, true, true}, indent: 2}
	t.add(cell{}, cell{}, cell{}, cell{"runs a side", faint}, cell{}, cell{}, cell{"pairs", faint}, cell{}, cell{})
	t.add(cell{"work", faint}, cell{"median", faint}, cell{"differs by", faint}, cell{"10", faint}, cell{"30", faint}, cell{"100", faint}, cell{"10", faint}, cell{"30", faint}, cell{"100", faint})
	for _, n := range r.Noise {
		if n.Error != "" {
			continue
		}
		show := func(v float64) cell {
			if v >= 9.995 {
				return cell{fmt.Sprintf("%.3gx", 1+v), plain}
			}
			return cell{fmt.Sprintf("%.*f%%", map[bool]int{true: 1}[v < 0.9995], 100*v), plain}
		}
		v := n.Visible
		t.add(cell{n.Work, plain}, cell{unit.Format(n.Median, unit.Seconds), plain}, show(n.Spread),
			show(v[0].Apart), show(v[1].Apart), show(v[2].Apart), show(v[0].Pairs), show(v[1].Pairs), show(v[2].Pairs))
	}
	p.write(&t)
	p.line("  of these minutes: other days and other neighbours differ by more")

	if len(r.Advice) > 0 {
		p.line("")
		p.line("%s", p.paint(bold, "what to do about it"))
	}
	for _, a := range r.Advice {
		how := map[string]paint{"bad": red, "note": faint}[a.Level]
		for i, line := range wrap(p.prose(), fmt.Sprintf("  %-5s", a.Level), "       ", a.About+": "+a.Text) {
			if i == 0 {
				line = "  " + p.paint(how, strings.TrimSpace(line[:7])) + strings.Repeat(" ", 5-len(a.Level)) + line[7:]
			}
			p.line("%s", line)
		}
		if a.Do != "" {
			p.wrapped("       -> ", "          ", a.Do)
		}
	}
	return p.err
}
