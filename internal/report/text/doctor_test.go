package text

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/doctor"
	"github.com/pacer-perf/pacer/run"
)

// What the system does not tell of the machine is named.
func TestDoctorNotTold(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Doctor(&out, &doctor.Report{Environment: run.Environment{Governor: "performance", ASLR: "on"}}, Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "\n  not told   virtual, turbo, smt: the system does not say\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
}
