# shellcheck shell=bash
# Installs and builds what a checkout needs; sourced by runner.sh and scripts/test, which run in the project's folder.
# Each step is one line with its time; what it printed goes to .cache/setup.log and is shown when it fails.

SETUP_LOG=.cache/setup.log
SETUP_LOCK=.cache/setup.lock
NODE_MINIMUM=20.15

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$(basename "$0"): $1"
  shift
  for line in "$@"; do say "  $line"; done
  exit 1
}

# step LABEL COMMAND...: runs it quietly; gives its exit code.
step() {
  local label=$1 start=$SECONDS code=0
  shift
  printf '%s … ' "$label" >&2
  printf '\n== %s: %s\n' "$label" "$*" >>"$SETUP_LOG"
  "$@" >>"$SETUP_LOG" 2>&1 </dev/null || code=$?
  if ((code == 0)); then
    say "done in $((SECONDS - start)) s"
  else
    say "FAILED after $((SECONDS - start)) s (exit $code). The last lines of $SETUP_LOG:"
    tail -n 30 "$SETUP_LOG" | sed 's/^/  | /' >&2
  fi
  return "$code"
}

require_node() {
  command -v node >/dev/null ||
    fail "node is not installed; Node.js $NODE_MINIMUM or newer is needed." \
      "Debian: apt-get install nodejs npm (bookworm's is too old: use trixie's, or a build of Node's own)"
  node -e '
    const [wanted, found] = [process.argv[1], process.versions.node].map((text) => text.split(".").map(Number));
    process.exit(found[0] > wanted[0] || (found[0] === wanted[0] && found[1] >= wanted[1]) ? 0 : 1);
  ' "$NODE_MINIMUM" ||
    fail "Node.js $(node --version) is too old; $NODE_MINIMUM or newer is needed." "It was found as $(command -v node)."
}

require_build_tools() {
  local missing=()
  command -v npm >/dev/null || missing+=(npm)
  command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || missing+=(g++)
  command -v make >/dev/null || missing+=(make)
  command -v python3 >/dev/null || missing+=(python3)
  ((${#missing[@]} == 0)) ||
    fail "missing for the installation: ${missing[*]} (SQLite's binding is compiled)." \
      "Debian: apt-get install ${missing[*]}"
}

# True when node_modules is what package-lock.json says and its SQLite binding fits this Node.
packages_are_current() {
  local installed=node_modules/.package-lock.json
  # npm writes this file last, so an installation that was cut off has none.
  [[ -f $installed && ! package-lock.json -nt $installed ]] &&
    node -e 'new (require("better-sqlite3"))(":memory:").close()' >/dev/null 2>&1
}

install_packages() {
  packages_are_current && return
  require_build_tools
  # tsc is a development dependency and dist/ is made by it, so all are installed.
  step 'Installing packages (a minute or two: SQLite is compiled)' npm ci --no-audit --no-fund ||
    fail 'the packages could not be installed.' "See $SETUP_LOG. Most often: no network, no compiler, no space."
  touch node_modules/.package-lock.json
}

build_is_current() {
  [[ -f dist/.built ]] &&
    [[ -z $(find pipeline package-lock.json tsconfig.json tsconfig.build.json scripts/bundle.ts -newer dist/.built -print -quit) ]]
}

build_dist() {
  build_is_current && return
  # The time the build began: a source that is changed while it runs is newer.
  touch .cache/build-began
  # Of a module that is gone nothing may stay behind.
  rm -rf dist
  step 'Building' npm run -s build || fail 'the build failed.' "See $SETUP_LOG."
  touch -r .cache/build-began dist/.built
}

# One setup at a time: runner.sh and scripts/test may be started together. A lock whose owner is gone is taken over.
lock_setup() {
  local owner waiting=
  until mkdir "$SETUP_LOCK" 2>/dev/null; do
    owner=$(cat "$SETUP_LOCK/pid" 2>/dev/null || true)
    if [[ -n $owner ]] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$SETUP_LOCK"
      continue
    fi
    [[ -n $waiting ]] || say "Waiting for another setup (process ${owner:-unknown}, $SETUP_LOCK) …"
    waiting=yes
    sleep 1
  done
  echo $$ >"$SETUP_LOCK/pid"
}

unlock_setup() { rm -rf "$SETUP_LOCK"; }

setup() {
  require_node
  # An image has no sources: it is installed and built, and its files may be read-only.
  [[ -d pipeline || ! -f dist/.built ]] || return 0
  mkdir -p .cache
  lock_setup
  trap unlock_setup EXIT
  : >"$SETUP_LOG"
  install_packages
  build_dist
  unlock_setup
  trap - EXIT
}
