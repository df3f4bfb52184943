package measure

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/measure/helper"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// However large this process is, a child's peak memory is the child's: a
// direct child's ru_maxrss would be at least its parent's.
func TestPeakMemory(t *testing.T) {
	t.Parallel()
	ballast := make([]byte, 300<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	small, err := run(t, command("exit=0"))
	if err != nil {
		t.Fatal(err)
	}
	large, err := run(t, command("use=100"))
	if err != nil {
		t.Fatal(err)
	}
	// The race detector doubles memory: what counts is what is far away.
	if small.PeakMemory < 1<<20 || small.PeakMemory > 100<<20 {
		t.Errorf("a small child of a parent with 300 MB peaks at %d MB", small.PeakMemory>>20)
	}
	if d := large.PeakMemory - small.PeakMemory; d < 95<<20 || d > 250<<20 {
		t.Errorf("100 MB more show as %d MB more", d>>20)
	}
	if d := large.MinorFaults - small.MinorFaults; d < 100 {
		t.Errorf("100 MB more take %d page faults more", d)
	}
	if ballast[4096] != 1 {
		t.Error("the ballast went overboard")
	}
	tiny, err := run(t, Command{Args: []string{"true"}, Env: []string{"GORACE=atexit_sleep_ms=0"}})
	if err != nil || tiny.PeakMemory <= 0 || tiny.PeakMemory > 64<<20 {
		t.Errorf("true peaks at %d KB, %v", tiny.PeakMemory>>10, err)
	}
	if tiny.Floor <= 0 || tiny.PeakMemory > tiny.Floor*3/2 {
		t.Errorf("true peaks at %d KB, the least that can be told is %d KB", tiny.PeakMemory>>10, tiny.Floor>>10)
	}
}

// What a runner needs itself stays the same, so the least that it can tell of a
// command's memory does: from the first run to the last, beside what commands
// leave behind, and however much they are handed.
func TestFloor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  []string
		part int64 // of the least, by which it may vary
	}{{"plain", nil, 4}, {"large", []string{"TEST_LARGE=" + strings.Repeat("x", 100<<10)}, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := open(t, t.Context())
			left, err := r.Run(t.Context(), Command{Args: []string{"sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"}})
			if err != nil || left.Left != 1 {
				t.Fatalf("%+v, %v", left, err)
			}
			defer func() {
				if pid, err := strconv.Atoi(left.Tail); err == nil {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}()
			c := Command{Args: []string{"true"}, Env: tt.env}
			least, most := int64(1)<<62, int64(0)
			for i := range 300 {
				result, err := r.Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				least, most = min(least, result.PeakMemory), max(most, result.PeakMemory)
				if result.PeakMemory > result.Floor*21/20 {
					t.Fatalf("run %d: true peaks at %d KB, the least that can be told is %d KB", i, result.PeakMemory>>10, result.Floor>>10)
				}
			}
			if most-least > least/tt.part {
				t.Errorf("true peaks at %d to %d KB", least>>10, most>>10)
			}
		})
	}
}

// A process that is left behind is told of once, and by whom.
func TestLeft(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	left, err := r.Run(t.Context(), Command{Args: []string{"sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"}})
	if err != nil || left.Left != 1 {
		t.Fatalf("%+v, %v", left, err)
	}
	if next, err := r.Run(t.Context(), Command{Args: []string{"true"}}); err != nil || next.Left != 0 {
		t.Errorf("%+v, %v", next, err)
	}
	pid, err := strconv.Atoi(left.Tail)
	if err != nil {
		t.Fatal(err)
	}
	r.Close() // it may stay: it was left there on purpose
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// A helper that dies is an error, not a hang, and nothing of the command stays.
func TestHelperDies(t *testing.T) {
	t.Parallel()
	r, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var pids []string
	c := Command{Args: []string{"sh", "-c", "sleep 60 & echo pid $!; wait"}, Env: []string{"GORACE=atexit_sleep_ms=0"}}
	c.Output = writerFunc(func(p []byte) (int, error) {
		pids = append(pids, strings.Fields(string(p))...)
		syscall.Kill(r.helper.Process.Pid, syscall.SIGKILL)
		return len(p), nil
	})
	began := time.Now()
	if result, err := r.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the helper process ended: signal: killed") || time.Since(began) > 50*time.Second {
		t.Errorf("%+v, %v", result, err)
	}
	if len(pids) != 2 {
		t.Fatalf("output = %q", pids)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile("/proc/" + pids[1] + "/cmdline"); err != nil || len(text) == 0 { // or a zombie
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %s is still there", pids[1])
		}
	}
	if _, err := r.Run(t.Context(), command("exit=0")); err == nil {
		t.Error("a helper that is gone ran a command")
	}
}

// Messages that come together are heard one after the other.
func TestHear(t *testing.T) {
	t.Parallel()
	r, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.inbox = append(helper.Message(helper.Killed, nil), helper.Message(helper.Ended, []byte("report"))...)
	r.inbox = append(r.inbox, helper.Message(helper.Failed, []byte("cut"))[:helper.HeadSize+1]...)
	for _, want := range []string{"d", "ereport"} {
		heard, err := r.wait(&output{}, time.Time{})
		kind, content, ok := r.hear()
		if err != nil || !heard || !ok || string(kind)+string(content) != want {
			t.Errorf("%c %q, %v, %v, %v; want %q", kind, content, heard, ok, err, want)
		}
	}
	if n := r.pending(); n != 0 {
		t.Errorf("%d bytes of a message that was cut", n)
	}
	r.inbox = nil
}

// What a run costs beside the command: the whole of it, less what is reported.
// The median leaves out when something else had the processor.
func BenchmarkRun(b *testing.B) {
	r, err := Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	c := Command{Args: []string{"true"}}
	var own, reported []time.Duration
	for b.Loop() {
		began := time.Now()
		result, err := r.Run(b.Context(), c)
		took := time.Since(began)
		if err != nil || result.Failure != "" {
			b.Fatal(result, err)
		}
		own, reported = append(own, took-result.Wall), append(reported, result.Wall)
	}
	report := func(name string, list []time.Duration) {
		slices.Sort(list)
		sum := time.Duration(0)
		for _, d := range list {
			sum += d
		}
		b.ReportMetric(float64(list[len(list)/2]), name+"-median-ns")
		b.ReportMetric(float64(sum)/float64(len(list)), name+"-mean-ns")
	}
	report("own", own)
	report("reported", reported)
}
