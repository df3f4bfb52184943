#!/usr/bin/env bash
# Imports and judges runs of many metrics, and says what that took: 10,000 by
# default, of 10 samples each.
# Usage: scripts/many-metrics.sh [METRICS]
set -euo pipefail
cd "$(dirname "$0")/.."
metrics=${1:-10000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -o "$dir/pacer" ./cmd/pacer
cd "$dir"
for side in old new; do
  awk -v seed=$side -v metrics="$metrics" 'BEGIN {
    srand(seed == "old" ? 1 : 2)
    print "goos: linux\ngoarch: amd64\npkg: example.org/app\ncpu: Sample CPU"
    for (i = 0; i < metrics; i++)
      for (k = 0; k < 10; k++)
        printf "BenchmarkThing/case=%d-8 \t 1000\t %.2f ns/op\n", i, (100 + 37 * i) * (1 + 0.04 * (rand() - 0.5)) * (seed == "new" && i % 500 == 0 ? 1.3 : 1)
  }' > $side.txt
done
./pacer import --app big old.txt
measure() { ./pacer run --app measure --allow-failure "$@" 2>/dev/null | grep '^process'; }
echo "import:"; measure -- ./pacer import --app big new.txt
echo "check:"; measure -- ./pacer check --app big
echo "check of two files:"; measure -- ./pacer check --baseline old.txt new.txt
