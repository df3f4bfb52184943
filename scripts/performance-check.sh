#!/usr/bin/env bash
# Pacer, watched by itself: measures examples/cuepoint as it is here and as it was
# at the base, turn by turn on this machine, and fails if it got slower or is over
# its budgets (scripts/performance.yaml). CI calls this; so can anybody.
#
# Usage: scripts/performance-check.sh [--slower DURATION] [--library FILE] [FLAG...]
#
#   --slower DURATION  let this side's catalogue answer later, to see the check fail
#   --library FILE     rekordbox export to work on (default: the built-in one)
#   FLAG...            of pacer bench: --rounds 20, --base COMMIT, --base none,
#                      -o verdict.json, ...
#
# PACER names a pacer to use in place of one that is built from here.
# The base is where this branch forked from main, on main the commit before; of a
# pull request, where it forked from its target. The first commit has none and is
# held to the budgets alone. In a clone that is too shallow to tell, it says what
# to fetch and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

slower=""
library=""
flags=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' "$0"; exit 0 ;;
    --slower) slower="--latency ${2:?--slower needs a duration, such as 5ms}"; shift 2 ;;
    --library) library="--library $(realpath "${2:?--library needs a file}")"; shift 2 ;;
    *) flags+=("$1"); shift ;;
  esac
done

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
pacer=${PACER:-$bin/pacer}
[ -n "${PACER:-}" ] || go build -o "$pacer" ./cmd/pacer

# Both sides run this; what is for one alone, it tells by its folder.
cat >"$bin/run" <<'RUN'
extra=""
if [ "$(pwd -P)" = "$CHECK_HERE" ]; then extra=$CHECK_HERE_FLAGS; fi
cd .pacer/check
exec ./cuepoint --filter remix --out table.csv --metrics metrics.json $CHECK_FLAGS $extra >/dev/null
RUN
export CHECK_HERE CHECK_HERE_FLAGS=$slower CHECK_FLAGS=$library CHECK_RUN=$bin/run
CHECK_HERE=$(pwd -P)
# shellcheck disable=SC2016 # the shell of each side expands it
"$pacer" bench --gate --policy scripts/performance.yaml --label check=performance \
  --setup 'mkdir -p .pacer/check && cp "$CHECK_RUN" .pacer/check && go build -o .pacer/check/cuepoint ./examples/cuepoint' \
  --results .pacer/check/metrics.json \
  ${flags[@]+"${flags[@]}"} -- sh .pacer/check/run
