package junit

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// Every file is valid by the schema of Jenkins, however metrics are called.
func TestWrite(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Write, ".xml", valid)
}

// valid asks xmllint, of libxml2.
func valid(text []byte) error {
	cmd := exec.Command("xmllint", "--noout", "--schema", "testdata/schema/jenkins-junit.xsd", "-")
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("xmllint is needed: apt-get install libxml2-utils")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// The numbers of the suite are those of its cases, and what fails the run is a
// failure.
func TestCounts(t *testing.T) {
	t.Parallel()
	if err := valid([]byte(`<testsuites><testsuite name="a" tests="1"><testcase/></testsuite></testsuites>`)); err == nil {
		t.Error("a test case without a name is taken for valid")
	}
	r := reporttest.Many(300, 0)
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	var got suites
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	failures, skipped := 0, 0
	for _, c := range got.Suites[0].Cases {
		if c.Failure != nil {
			failures++
		}
		if c.Skipped != nil {
			skipped++
		}
	}
	fails := 0
	for _, m := range r.Verdict.Metrics {
		if m.Fails {
			fails++
		}
	}
	s := got.Suites[0]
	if s.Tests != len(r.Verdict.Metrics) || s.Failures != failures || s.Skipped != skipped || fails != failures || fails == 0 || got.Failures != fails {
		t.Errorf("tests %d, failures %d, skipped %d; counted %d, %d; %d metrics fail", s.Tests, s.Failures, s.Skipped, failures, skipped, fails)
	}
}

func BenchmarkWrite(b *testing.B) { reporttest.Bench(b, Write) }
