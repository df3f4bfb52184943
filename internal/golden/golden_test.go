package golden

import (
	"os"
	"testing"
)

// recorder is a test that notes its failures.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestCheck(t *testing.T) {
	t.Setenv("UPDATE", "")
	t.Chdir(t.TempDir())
	missing := recorder{TB: t}
	if Check(&missing, "a.txt", []byte("one")); !missing.failed {
		t.Error("a file that is not there passes")
	}
	t.Setenv("UPDATE", "1")
	Check(t, "sub/a.txt", []byte("one"))
	if got, err := os.ReadFile("testdata/sub/a.txt"); string(got) != "one" {
		t.Errorf("UPDATE wrote %q, %v", got, err)
	}
	t.Setenv("UPDATE", "")
	Check(t, "sub/a.txt", []byte("one"))
	for _, other := range []string{"two", "on", "one more", ""} {
		differs := recorder{TB: t}
		if Check(&differs, "sub/a.txt", []byte(other)); !differs.failed {
			t.Errorf("%q passes for %q", other, "one")
		}
	}
}
