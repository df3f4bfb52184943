#!/usr/bin/env bash
# Reads the same history out of Debian's Prometheus and out of a real
# VictoriaMetrics cluster (two vmstorage, vminsert and vmselect, replication 2),
# with pacer trend, log and check; then kills one storage node and wants the same
# answers. Building the cluster takes some minutes, and its programs are kept in
# $PACER_VICTORIAMETRICS (default: a folder of the user's cache).
# Usage: scripts/soak-prometheus.sh
set -euo pipefail
cd "$(dirname "$0")/.."

version=v1.100.0-cluster
bin=${PACER_VICTORIAMETRICS:-${XDG_CACHE_HOME:-$HOME/.cache}/pacer/victoriametrics-$version}
mkdir -p "$bin"
for program in vmstorage vminsert vmselect; do
  if [ ! -x "$bin/$program" ]; then
    echo "building $program $version"
    GOBIN=$bin go install "github.com/VictoriaMetrics/VictoriaMetrics/app/$program@$version"
  fi
done
if ! command -v prometheus >/dev/null; then
  echo "Prometheus is missing: apt-get install prometheus" >&2
  exit 2
fi
PACER_VICTORIAMETRICS=$bin go test ./internal/history/prom ./cmd/pacer -run 'Prometheus|VictoriaMetrics' -count 1 -v
