package parallel

import "testing"

func TestEach(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 1000} {
		got := make([]int, n)
		Each(n, func(i int) { got[i] += i + 1 })
		for i, v := range got {
			if v != i+1 {
				t.Fatalf("n=%d: call %d happened %d times", n, i, v/(i+1))
			}
		}
	}
}
