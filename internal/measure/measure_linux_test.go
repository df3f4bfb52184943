package measure

import "testing"

// However large this process is, a child's peak memory is the child's: a
// direct child's ru_maxrss would be at least its parent's.
func TestPeakMemory(t *testing.T) {
	t.Parallel()
	ballast := make([]byte, 300<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	small, err := Run(t.Context(), command("exit=0"))
	if err != nil {
		t.Fatal(err)
	}
	large, err := Run(t.Context(), command("use=100"))
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
	if ballast[4096] != 1 {
		t.Error("the ballast went overboard")
	}
	tiny, err := Run(t.Context(), Command{Args: []string{"true"}, Env: []string{"GORACE=atexit_sleep_ms=0"}})
	if err != nil || tiny.PeakMemory <= 0 || tiny.PeakMemory > 64<<20 {
		t.Errorf("true peaks at %d KB, %v", tiny.PeakMemory>>10, err)
	}
	if tiny.Floor <= 0 || tiny.PeakMemory > tiny.Floor*3/2 {
		t.Errorf("true peaks at %d KB, the least that can be told is %d KB", tiny.PeakMemory>>10, tiny.Floor>>10)
	}
}
