#!/usr/bin/env bash
# False alarms and power of pacer compare --exec on this machine, beside a noisy
# neighbour: what docs/measuring.md promises. 100 sessions of each kind take half
# an hour on a quiet machine, and several hours on a busy one.
# Usage: scripts/soak-pairs.sh [-n SESSIONS] [-quiet]
#        scripts/soak-pairs.sh [-n TIMES] hyperfine | truth | ready
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/pacer" ./cmd/pacer
go -C bench build -o "$dir/soak" ./soak

case "${*: -1}" in
  hyperfine | truth | ready | pairs) "$dir/soak" -pacer "$dir/pacer" "$@" ;;
  *) "$dir/soak" -pacer "$dir/pacer" "$@" pairs ;;
esac
