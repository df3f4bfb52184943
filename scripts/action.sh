#!/usr/bin/env bash
# The step of action.yml that measures and checks. Its inputs are in PACER_IN_*;
# it writes verdict.json and report.html, and for the steps after it status,
# verdict and file into $GITHUB_OUTPUT. It ends with 0, so that these are run.
set -uo pipefail

finish() { # the status of the check
  local verdict="" file=""
  if [ "$1" != 2 ] && [ -f verdict.json ]; then # of trouble there is none
    file=$(pwd)/verdict.json
    verdict=$(sed -n 's/^  "verdict": "\([a-z]*\)",$/\1/p' verdict.json | head -n 1)
  fi
  {
    echo "status=$1"
    echo "verdict=$verdict"
    echo "file=$file"
  } >>"${GITHUB_OUTPUT:-/dev/stdout}"
  exit 0
}

trouble() {
  echo "::error title=Pacer::$*"
  finish 2
}

cd "${PACER_IN_DIRECTORY:-.}" 2>/dev/null || trouble "there is no folder ${PACER_IN_DIRECTORY}"
rm -f verdict.json report.html pacer-comment.md

flags=(-o verdict.json -o report.html)
[ -z "${PACER_IN_POLICY:-}" ] || flags+=(--policy "$PACER_IN_POLICY")
[ -z "${PACER_IN_APP:-}" ] || flags+=(--app "$PACER_IN_APP")
[ "${PACER_IN_STRICT:-false}" != true ] || flags+=(--strict)

case "${PACER_IN_COMMAND:+command}${PACER_IN_RESULTS:+results}" in
  command)
    [ -z "${PACER_IN_SETUP:-}" ] || flags+=(--setup "$PACER_IN_SETUP")
    [ -z "${PACER_IN_RESULTS_FILE:-}" ] || flags+=(--results "$PACER_IN_RESULTS_FILE")
    [ -z "${PACER_IN_BASE:-}" ] || flags+=(--base "$PACER_IN_BASE")
    pacer bench --gate --rounds "${PACER_IN_ROUNDS:-10}" "${flags[@]}" -- bash -eo pipefail -c "$PACER_IN_COMMAND"
    finish $?
    ;;
  results)
    # Patterns, as a shell reads them: ** is any folders.
    shopt -s globstar nullglob
    IFS=$'\n\t ' read -r -d '' -a patterns <<<"$PACER_IN_RESULTS" || true
    # shellcheck disable=SC2206 # they are to be expanded
    files=(${patterns[@]})
    [ ${#files[@]} -gt 0 ] || trouble "no file fits results: $PACER_IN_RESULTS"
    app=()
    [ -z "${PACER_IN_APP:-}" ] || app=(--app "$PACER_IN_APP")
    baseline=${PACER_IN_BASELINE:-}
    if [ -n "${PACER_IN_BASE_RESULTS:-}" ]; then
      IFS=$'\n\t ' read -r -d '' -a patterns <<<"$PACER_IN_BASE_RESULTS" || true
      # shellcheck disable=SC2206
      bases=(${patterns[@]})
      if [ ${#bases[@]} -gt 0 ]; then
        base=${PACER_IN_BASE:-$(pacer ci base)} || finish 2
        pacer import --merge --commit "$base" ${app[@]+"${app[@]}"} "${bases[@]}" || finish 2
        baseline=${baseline:-$base}
      else
        echo "::warning title=Pacer::no file fits base-results: $PACER_IN_BASE_RESULTS"
      fi
    fi
    commit=$(git rev-parse HEAD) || trouble "this is no git repository: actions/checkout comes first"
    branch=${GITHUB_HEAD_REF:-${GITHUB_REF_NAME:-}}
    pacer import --merge --commit "$commit" ${branch:+--branch "$branch"} ${app[@]+"${app[@]}"} "${files[@]}" || finish 2
    pacer check ${baseline:+--baseline "$baseline"} "${flags[@]}"
    finish $?
    ;;
  commandresults) trouble "command and results are both given: one of them" ;;
  *) trouble "nothing to measure: give command, or results" ;;
esac
