#!/usr/bin/env bash
# Everything that has to hold before a change lands: format, vet, staticcheck,
# tests with the race detector, the test-only modules, the builds.
# Usage: ./test.sh
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %4ds  %s\n' "$SECONDS" "$*"; }

apt() { # install packages of Debian
  local sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  say "installing $*"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
}

has() { command -v "$1" >/dev/null; }

# Without these nothing is tested: the race detector needs a C compiler, the
# schemas of XML xmllint, and instructions are counted by valgrind where the
# processor does not.
need=""
has "${CC:-gcc}" || need="gcc libc6-dev"
has xmllint || need="$need libxml2-utils"
[ "$(uname)" != Linux ] || has valgrind || need="$need valgrind"

# Pages are looked at in a browser, and the store for teams is tested on a real
# PostgreSQL, which the tests start. In CI nothing may be left out; elsewhere
# the tests of what is missing say so.
optional=""
has chromium || optional="chromium"
has postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || optional="$optional postgresql"
if [ -n "${CI:-}" ]; then
  need="$need $optional"
elif [ -n "$optional" ]; then
  echo "not installed, so their tests are skipped: $optional" >&2
fi
[ -z "${need// /}" ] || apt $need

# What reads a history out of Prometheus is tested on Debian's. The package's
# files alone will do: installing it would start a server.
if ! has prometheus; then
  if [ -n "${CI:-}" ]; then
    say "fetching Prometheus"
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    apt-cache show prometheus >/dev/null 2>&1 || apt ca-certificates
    (cd "$tools" && apt-get download -qq prometheus && dpkg -x ./prometheus_*.deb .)
    export PATH="$tools/usr/bin:$PATH"
  else
    echo "Prometheus is missing: its test is skipped (apt-get install prometheus)" >&2
  fi
fi
export CGO_ENABLED=1

say "gofmt"
unformatted=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then
  echo "not formatted: $unformatted" >&2
  exit 1
fi

say "go.mod is tidy"
go mod tidy -diff

staticcheck=$(go tool -n staticcheck) # built, and its path printed

# What the race detector makes several times as slow for little: the command, whose
# tests start hundreds of processes and whose parts are raced by themselves, and
# what computes without goroutines, or moves many megabytes.
unraced='/(cmd/pacer|internal/(changepoint|twosample|paired|history|dashboard/policyfile))$'

# The product, and the test-only modules beside it.
for mod in $(git ls-files --cached --others --exclude-standard 'go.mod' '*/go.mod'); do
  dir=$(dirname "$mod")
  say "go vet ($dir)"
  go -C "$dir" vet ./...
  say "staticcheck ($dir)"
  (cd "$dir" && "$staticcheck" ./...)
  # A browser is slow enough by itself; what it looks at is raced elsewhere.
  race=-race
  [ "$dir" != e2e ] || race=""
  packages=./...
  [ "$dir" != . ] || packages=$(go list ./... | grep -Ev "$unraced")
  say "go test $race ($dir)"
  # shellcheck disable=SC2086 # a word each
  go -C "$dir" test $race -skip 'Accuracy|^TestHostile' -timeout 15m $packages
done

say "go test, without the race detector"
# shellcheck disable=SC2046
go test -skip Accuracy -timeout 15m $(go list ./... | grep -E "$unraced")
go test -run '^TestHostile' ./internal/server

# How well changes are told: once, and without the race detector, under which it
# takes several times as long.
say "accuracy"
go test ./internal/... -run Accuracy

for os in linux darwin windows; do
  for arch in amd64 arm64; do
    say "build $os/$arch"
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -o /dev/null ./cmd/pacer
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go vet . ./internal/measure/...
  done
done

# Tests and the modules beside it build elsewhere as well.
for os in darwin windows; do
  for mod in $(git ls-files --cached --others --exclude-standard 'go.mod' '*/go.mod'); do
    dir=$(dirname "$mod")
    say "go vet, $os ($dir)"
    CGO_ENABLED=0 GOOS=$os go -C "$dir" vet ./...
  done
done

say "all good"
