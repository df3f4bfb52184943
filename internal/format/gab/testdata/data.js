window.BENCHMARK_DATA = {
  "lastUpdate": 1767225600000,
  "repoUrl": "https://example.org/team/shop",
  "entries": {
    "Rust": [
      {
        "commit": {"id": "45d78258e495044a551046f50604da3c893052ce", "message": "first", "timestamp": "2026-01-01T00:06:58+09:00", "url": "https://example.org/c/45d7"},
        "date": 1767193620000, "tool": "cargo",
        "benches": [
          {"name": "bench_fib_10", "value": 254, "range": "+/- 35", "unit": "ns/iter"},
          {"name": "bench_fib_20", "value": 34001, "range": "+/- 2,802", "unit": "ns/iter"}
        ]
      },
      {
        "commit": {"id": "b840614fd88743f234aac0dc747a0a70616f450f", "message": "second", "timestamp": "2026-01-02T00:10:02+09:00", "url": "https://example.org/c/b840"},
        "date": 1767280202000, "tool": "cargo",
        "benches": [{"name": "bench_fib_10", "value": 242, "range": "+/- 73", "unit": "ns/iter"}]
      }
    ],
    "Java": [
      {
        "commit": {"id": "45d78258e495044a551046f50604da3c893052ce", "message": "first", "timestamp": "2026-01-01T00:06:58+09:00", "url": "https://example.org/c/45d7"},
        "date": 1767193630000, "tool": "jmh",
        "benches": [{"name": "org.example.Parse", "value": 1520.5, "unit": "ops/ms", "extra": "iterations: 3"}, {"name": "org.example.Open", "value": 2.5, "unit": "us/op"}]
      }
    ],
    "Python": [
      {
        "commit": {"id": "b840614fd88743f234aac0dc747a0a70616f450f", "message": "second", "timestamp": "2026-01-02T00:10:02+09:00", "url": "https://example.org/c/b840"},
        "date": 1767280300000, "tool": "pytest",
        "benches": [{"name": "t.py::test_fib", "value": 41513.25, "unit": "iter/sec", "range": "stddev: 0.00001", "extra": "mean: 24 usec"}]
      },
      {
        "commit": {"id": "c0ffee4fd88743f234aac0dc747a0a70616f450f", "message": "third", "timestamp": "2026-01-03T00:10:02+09:00", "url": "https://example.org/c/c0ff"},
        "date": 1767366700000, "tool": "customBiggerIsBetter",
        "benches": [{"name": "score", "value": "95", "unit": "points"}]
      }
    ]
  }
}
