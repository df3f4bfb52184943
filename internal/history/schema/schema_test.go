package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// The dialects have the same versions, numbered without a gap.
func TestSameNames(t *testing.T) {
	t.Parallel()
	lite, post := SQLite(), Postgres()
	if len(lite) != len(post) {
		t.Fatalf("%d and %d files", len(lite), len(post))
	}
	for i := range lite {
		if lite[i].Name != post[i].Name || !strings.HasPrefix(lite[i].Name, fmt.Sprintf("%04d_", i+1)) {
			t.Errorf("version %d: %s and %s", i+1, lite[i].Name, post[i].Name)
		}
	}
}

// A file that is out in the world stays as it is: stores were made with it.
func TestReleasedFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"0001_runs.sql":   "a589638aaea76c99c88d757a1746eea2aa9964e171a8c8c8f760885424821a16",
		"0002_series.sql": "d7f5a1045ce7e3b146f79dc963ee90fa50982dfdc0b14e1c56be17fd1743964e",
	} {
		for _, m := range SQLite() {
			if sum := sha256.Sum256([]byte(m.SQL)); m.Name == name && hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s changed: its SHA-256 is %x", name, sum)
			}
		}
	}
}
