# shellcheck shell=bash
# What the scripts here share: where things are, how they talk, what they measure.
# shellcheck disable=SC2034 # used where this is read

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
state=${AGENT_SESSION_TEST_DIR:-/var/tmp/agent-session-test}

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Runs a step and tells how long it took. The step is not called in a condition,
# so that `set -e` goes on working inside; the caller's `phase_name` tells an
# EXIT trap what failed.
phase() {
  phase_name=$1
  local start=$EPOCHREALTIME ms
  shift
  "$@"
  ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
  say "$(printf '%-10s %4d.%03d s' "$phase_name" $((ms / 1000)) $((ms % 1000)))"
}

# install_release DIR [OPTION]...: what shell/install.sh installs, into DIR/bin.
install_release() {
  local words
  # shellcheck source-path=SCRIPTDIR source=../shell/install/linking.sh
  . "$checkout/shell/install/linking.sh"
  mapfile -t words < <(linking)
  cargo install --quiet --locked --path "$checkout" --root "$1" "${words[@]}" "${@:2}" 2>"$1.log" ||
    die "cargo install failed: $(tail -n 20 "$1.log")"
}
