#!/usr/bin/env bash
# Installs, builds, and runs `samovar update` and `samovar stream` again and again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

usage() {
  cat <<'END'
Usage: ./runner.sh [--once] [OPTIONS OF samovar update]

Installs and builds Samovar when needed, then again and again runs `samovar update` (collect, emit, load) and, until the hour
of SAMOVAR_STOP_AT, `samovar stream`: rows of new builds as they finish. Where no subscription is named and no bucket is a folder
there is nothing to follow, and it pauses instead.
With nothing configured it makes a small demo bucket, loads it into an embedded DuckDB file, and follows it.

  --once      one cycle only, its stream until nothing comes any more, and a report of an embedded warehouse in data/report;
              exits with the cycle's code
  -h, --help  this text

It ends when a file named `stop` lies in this folder (looked for between cycles and while it follows), on SIGTERM and on SIGINT (both are passed
on, and the running cycle ends cleanly), and when the configuration is wrong (exit 2). After a cycle that failed it waits 1, 2,
4, 8, then 15 minutes.

Environment:
  SAMOVAR_BUCKETS_URL    where to fetch the buckets file from before each cycle; a bad download keeps the old file.
                         It is put in place of $SAMOVAR_BUCKETS (default config/buckets.yaml)
  SAMOVAR_PAUSE_SECONDS  how long to wait after a cycle that went well (default 60)
  SAMOVAR_STOP_AT        hour (0-23, local time) at which a stream ends for the next whole cycle (default 1)
  SAMOVAR_STREAM         `no`: never follow, only run cycles
  SAMOVAR_REPORT         `no`: --once writes no report
  and every setting: see docs/configuration.md

Examples:
  ./runner.sh --once
  ./runner.sh --warehouse bigquery:my-project:builds --buckets config/buckets.yaml
END
}

once=
arguments=()
for argument in "$@"; do
  case $argument in
    --once) once=yes ;;
    -h | --help) usage && exit 0 ;;
    *) arguments+=("$argument") ;;
  esac
done

child=
stopped=
watched=
# The child has a process group of its own, so that Ctrl-C in a terminal reaches it once, from here.
forward() {
  stopped=$1
  [[ -z $child ]] || kill -"$1" "$child" 2>/dev/null || true
}
trap 'forward TERM' TERM
trap 'forward INT' INT

# Runs a command so that a signal to this script reaches it; gives its exit code once it has ended.
run() {
  local code=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  [[ -z $stopped ]] || kill -"$stopped" "$child" 2>/dev/null || true
  local watcher=
  if [[ -n $watched ]]; then
    stop_at_file "$child" &
    watcher=$!
  fi
  # A signal to this script ends `wait`, not the child.
  while true; do
    code=0
    wait "$child" || code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  child=
  if [[ -n $watcher ]]; then
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
  fi
  return "$code"
}

# Ends a process when the file appears.
stop_at_file() {
  while kill -0 "$1" 2>/dev/null; do
    if [[ -e stop ]]; then
      kill -TERM "$1" 2>/dev/null || true
      return
    fi
    sleep 1
  done
}

# Of the C library's pools of memory two, and large pieces in none: with a pool for each thread, and pools for files of megabytes, what
# was freed in them is kept, some 40 MB each.
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-131072}

samovar() { run node dist/cli.js "$@"; }

# One cycle: everything there is, then what comes. What only some buckets or tables failed at keeps nobody from following the others.
cycle() {
  local code=0 followed=0
  samovar update "${arguments[@]+"${arguments[@]}"}" || code=$?
  [[ -z $stopped && ! -e stop && ${SAMOVAR_STREAM:-yes} != no ]] || return "$code"
  ((code <= 1)) || return "$code"
  watched=yes
  samovar stream --if-configured "$@" "${arguments[@]+"${arguments[@]}"}" || followed=$?
  watched=
  # The file ended it: that is no failure.
  [[ ! -e stop || -n $stopped ]] || return "$code"
  ((followed == 0)) || code=$followed
  return "$code"
}

# What --once ends with. An embedded warehouse costs nothing to read; the report takes those options that say where things are.
report() {
  [[ -z $stopped && ${SAMOVAR_REPORT:-yes} != no ]] || return 0
  local places=() argument value=
  for argument in "${arguments[@]+"${arguments[@]}"}"; do
    if [[ -n $value ]]; then
      places+=("$argument")
      value=
      continue
    fi
    case $argument in
      --db=* | --buckets=* | --tables-file=* | --warehouse=* | --config=* | --log-level=*) places+=("$argument") ;;
      --db | --buckets | --tables-file | --warehouse | --config | --log-level) places+=("$argument") && value=yes ;;
    esac
  done
  samovar report --if-embedded "${places[@]+"${places[@]}"}" ||
    [[ -n $stopped ]] || say 'The report was not written: see above.'
}

should_stop() {
  [[ -z $stopped ]] || return 0
  [[ -e stop ]] || return 1
  say "A file named stop lies in $PWD: ending. Remove it to run again."
}

pause() {
  local left=$1
  while ((left > 0)) && [[ -z $stopped && ! -e stop ]]; do
    sleep 1
    left=$((left - 1))
  done
}

refresh_buckets() {
  [[ -n ${SAMOVAR_BUCKETS_URL:-} ]] || return 0
  export SAMOVAR_BUCKETS=${SAMOVAR_BUCKETS:-config/buckets.yaml}
  local fresh=$SAMOVAR_BUCKETS.new
  if ! run curl --fail --silent --show-error --location --connect-timeout 10 --max-time 60 --max-filesize 1048576 \
    --retry 3 --output "$fresh" -- "$SAMOVAR_BUCKETS_URL"; then
    say "$SAMOVAR_BUCKETS_URL could not be fetched: $SAMOVAR_BUCKETS stays as it is."
  elif ! samovar config check --buckets "$fresh" >&2; then
    say "What $SAMOVAR_BUCKETS_URL gave is no good buckets file: $SAMOVAR_BUCKETS stays as it is."
  else
    mv -f "$fresh" "$SAMOVAR_BUCKETS"
  fi
  rm -f "$fresh"
}

setup
failures=0
code=0
while ! should_stop; do
  refresh_buckets
  [[ -z $stopped ]] || break
  code=0
  if [[ -n $once ]]; then
    cycle --until-idle 2 || code=$?
    ((code > 1)) || report
    exit "$code"
  fi
  cycle --stop_at "${SAMOVAR_STOP_AT:-1}" || code=$?
  [[ -z $stopped ]] || exit "$code"
  case $code in
    0)
      failures=0
      pause "${SAMOVAR_PAUSE_SECONDS:-60}"
      ;;
    2)
      say 'The configuration is wrong (see above): ending.'
      exit 2
      ;;
    *)
      minutes=$((failures < 4 ? 1 << failures : 15))
      failures=$((failures + 1))
      say "The cycle failed (exit $code), $failures in a row: trying again in $minutes min."
      pause $((minutes * 60))
      ;;
  esac
done
case $stopped in
  TERM) exit 143 ;;
  INT) exit 130 ;;
esac
