#!/usr/bin/env bash
# The server under load, and killed under it: what the tests do in short, at
# length. It needs PostgreSQL (apt-get install postgresql) and takes some minutes.
# Usage: scripts/soak-server.sh [RUNS [KILLS]]
set -euo pipefail
cd "$(dirname "$0")/.."

export SOAK_RUNS=${1:-20000} SOAK_KILLS=${2:-50} CI=true

say() { printf '\n== %s\n' "$*"; }

# Built first, so that nothing else runs while the load does.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/pacer.test" ./cmd/pacer
go test -c -o "$work/server.test" ./internal/server

say "$SOAK_RUNS runs of 20 metrics x 30 samples: into a file, then into PostgreSQL by two servers"
(cd cmd/pacer && "$work/pacer.test" -test.run 'TestServeLoad$' -test.v -test.timeout 1h)

say "killed $SOAK_KILLS times under load, into a file"
(cd cmd/pacer && "$work/pacer.test" -test.run 'TestServeKilled$' -test.v -test.timeout 1h)

say "PostgreSQL killed and restarted under the server, 10 times"
(cd internal/server && "$work/server.test" -test.run 'TestPostgresKilled$' -test.count 10 -test.timeout 1h)

say "a hostile client"
(cd internal/server && "$work/server.test" -test.run 'TestHostile$' -test.v -test.timeout 1h)
