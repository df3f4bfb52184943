#!/usr/bin/env bash
# Imports a large text and says how long it took and how much memory: 1 GiB of
# go test -bench by default, 1,000 benchmarks with four units each, which is some
# 13 million lines. Needs 10 MB of disk.
# Usage: scripts/soak-import.sh [MiB]
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-1024}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/pacer" ./cmd/pacer
cd "$dir"
awk 'BEGIN {
  srand(1)
  print "goos: linux\ngoarch: amd64\npkg: example.org/app\ncpu: Sample CPU"
  for (n = 0; bytes < 8 * 1048576; n++) {
    line = sprintf("BenchmarkEncode/case=%d-8   \t   50000\t %10.1f ns/op\t %8.2f MB/s\t %6d B/op\t %4d allocs/op", n % 1000, 20000 + 9000 * rand(), 40 + rand(), 512, 3)
    bytes += length(line) + 1
    print line
  }
}' > block
# The peak of the largest process: the import.
./pacer run --app soak -- sh -c "for i in \$(seq $((size / 8))); do cat block; done | ./pacer import --app big -"
./pacer log
