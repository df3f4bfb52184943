#!/usr/bin/env bash
# Everything that has to hold before a change lands: format, vet, staticcheck,
# tests with the race detector, the test-only modules, the builds.
# Usage: ./test.sh
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

# The race detector needs a C compiler.
if ! command -v "${CC:-gcc}" >/dev/null; then
  say "installing a C compiler"
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq && $sudo apt-get install -y -qq gcc libc6-dev
fi
# Instructions are counted by valgrind where the processor does not.
if [ "$(uname)" = Linux ] && ! command -v valgrind >/dev/null; then
  say "installing valgrind"
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq && $sudo apt-get install -y -qq valgrind
fi
export CGO_ENABLED=1

# Schemas of XML are held to by xmllint; what is shown in a browser is looked at
# in one. Where nothing may be left out it has to be there; elsewhere its tests
# say that it is missing.
missing=""
command -v xmllint >/dev/null || missing="libxml2-utils"
if ! command -v chromium >/dev/null; then
  if [ -n "${CI:-}" ]; then
    missing="$missing chromium"
  else
    echo "chromium is not installed: no page is looked at (apt-get install chromium)" >&2
  fi
fi
if [ -n "$missing" ]; then
  say "installing $missing"
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq && $sudo apt-get install -y -qq $missing
fi

# The store for teams is tested on a real PostgreSQL, which the tests start.
if ! command -v postgres >/dev/null && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
  if [ -n "${CI:-}" ]; then
    say "installing PostgreSQL"
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq && $sudo apt-get install -y -qq postgresql
  else
    echo "PostgreSQL is missing: its tests are skipped (apt-get install postgresql)" >&2
  fi
fi

# What reads a history out of Prometheus is tested on Debian's. The package's
# files alone will do: installing it would start a server.
if ! command -v prometheus >/dev/null; then
  if [ -n "${CI:-}" ]; then
    say "fetching Prometheus"
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    apt-cache show prometheus >/dev/null 2>&1 || { sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo; $sudo apt-get update -qq; }
    (cd "$tools" && apt-get download -qq prometheus && dpkg -x ./prometheus_*.deb .)
    export PATH="$tools/usr/bin:$PATH"
  else
    echo "Prometheus is missing: its test is skipped (apt-get install prometheus)" >&2
  fi
fi

say "gofmt"
unformatted=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then
  echo "not formatted: $unformatted" >&2
  exit 1
fi

say "go.mod is tidy"
go mod tidy -diff

staticcheck=$(go tool -n staticcheck) # built, and its path printed

# The product, and the test-only modules beside it.
for mod in $(git ls-files --cached --others --exclude-standard 'go.mod' '*/go.mod'); do
  dir=$(dirname "$mod")
  say "go vet ($dir)"
  go -C "$dir" vet ./...
  say "staticcheck ($dir)"
  (cd "$dir" && "$staticcheck" ./...)
  say "go test -race ($dir)"
  go -C "$dir" test -race ./...
done

# Without the race detector, which makes fewer of them: floors hold in full.
say "accuracy"
go test ./internal/... -run Accuracy

for os in linux darwin windows; do
  for arch in amd64 arm64; do
    say "build $os/$arch"
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -o /dev/null ./cmd/pacer
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go vet . ./internal/measure/...
  done
done

say "all good"
