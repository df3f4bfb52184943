package history_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/storetest"
)

// actions are those of the entries of somebody, oldest first.
func actions(t *testing.T, s history.Store, actor string) (list []string) {
	t.Helper()
	entries, err := s.AuditLog(t.Context(), history.AuditFilter{Actor: actor})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Action)
		if e.Detail["from"] != "there" {
			t.Errorf("%+v", e)
		}
	}
	slices.Reverse(list)
	return list
}

// What was copied or imported has its entries, by whoever did it; what was there
// already has none.
func TestCopyAndImportAreAudited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := file(t, filepath.Join(dir, "from.db"))
	populate(t, from, 900)
	for i := range 600 {
		if err := from.Record(t.Context(), history.Audit{Actor: "someone", Action: "x", Subject: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	var text bytes.Buffer
	if _, err := history.Export(t.Context(), from, history.Filter{}, &text, func(int) {}); err != nil {
		t.Fatal(err)
	}
	ctx := history.WithAudit(t.Context(), history.Audit{Actor: "me", Detail: map[string]string{"from": "there"}})
	for name, to := range map[string]history.Store{"file": file(t, filepath.Join(dir, "to.db")), "database": database(t)} {
		for range 2 {
			done, err := history.Copy(ctx, from, to, func(int) {})
			if err != nil || done.Audit != 601 {
				t.Fatalf("%s: %+v, %v", name, done, err)
			}
			if got, want := actions(t, to, "me"), []string{"run.add", "run.add", "run.add", "baseline.set", "alert.add", "token.create"}; !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if list, err := to.AuditLog(t.Context(), history.AuditFilter{Actor: "someone"}); err != nil || len(list) != 601 {
			t.Errorf("%s: %d entries were copied: %v", name, len(list), err)
		}
	}
	to := file(t, filepath.Join(dir, "imported.db"))
	for range 2 {
		if _, err := history.Import(ctx, to, bytes.NewReader(text.Bytes()), "it", func(int) {}); err != nil {
			t.Fatal(err)
		}
		if got, want := actions(t, to, "me"), []string{"run.add", "run.add", "baseline.set", "run.add", "alert.add"}; len(got) != len(want) {
			t.Errorf("%q, want such as %q", got, want)
		}
	}
}

// sizes notes how large the batches are that are written.
type sizes struct {
	history.Store
	runs, bytes []int
}

func (s *sizes) AppendBatch(ctx context.Context, b history.Batch) ([]history.Outcome, error) {
	n := 0
	for _, e := range b.Entries {
		n += len(e.Document)
	}
	s.runs, s.bytes = append(s.runs, len(b.Entries)), append(s.bytes, n)
	return s.Store.AppendBatch(ctx, b)
}

// Large runs are copied, imported and exported some at a time: what is held is
// bounded by bytes, not by their number.
func TestLargeRunsAreBounded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	from := file(t, filepath.Join(dir, "from.db"))
	const runs, each = 24, 1 << 20
	for i := range runs {
		e, err := history.Pack(storetest.Sample(fmt.Sprintf("R%03d", i)))
		if err != nil {
			t.Fatal(err)
		}
		e.At = time.Unix(int64(i), 0)
		e.Document = bytes.Repeat([]byte{byte(i)}, each) // which nobody reads here
		if _, err := from.AppendBatch(ctx, history.Batch{Entries: []*history.Entry{e}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range map[string]history.Store{"database": database(t), "file": from} {
		if name == "database" {
			if _, err := history.Copy(ctx, from, s, func(int) {}); err != nil {
				t.Fatal(err)
			}
		}
		// What is deleted while the first page is dealt with was not read ahead:
		// that page ends far before it.
		n, rest := 0, 0
		err := s.Walk(ctx, history.Filter{}, history.Parts{Document: true}, func(e *history.Entry) error {
			if e.Head.ID != fmt.Sprintf("R%03d", n) {
				return fmt.Errorf("run %d is %s", n, e.Head.ID)
			}
			if n++; n == 1 {
				_, err := s.Delete(ctx, "R020", "R023")
				return err
			}
			if n == 20 {
				n++ // R020 is gone
			}
			rest++
			return nil
		})
		if err != nil || n != runs-1 || rest != runs-3 {
			t.Errorf("%s: the walk ended at %d: %v", name, n, err)
		}
	}
	to := &sizes{Store: file(t, filepath.Join(dir, "to.db"))}
	done, err := history.Copy(ctx, from, to, func(int) {})
	if err != nil || done.Runs != runs-2 || slices.Max(to.bytes) > 17<<20 || len(to.runs) < 2 {
		t.Errorf("%+v in batches of %v bytes: %v", done, to.bytes, err)
	}
}
