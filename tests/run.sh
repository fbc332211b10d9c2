#!/usr/bin/env bash
# The project's test command.
#
#   tests/run.sh         set up, lint, build, run every test
#   tests/run.sh NAME    set up, build, run the tests whose names contain NAME
#
# Wants root, for rootful containers and for the set-up; an ordinary user is
# asked by sudo. The first run installs what is missing (see setup.sh).
set -euo pipefail
umask 022

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Root must not leave files in a user's target directory and cargo home, must
# not take the user's session for its own, and git must not mind that the
# checkout is somebody else's.
become_root() {
  command -v sudo >/dev/null || die "must be run by root (there is no sudo)"
  say "running as root, by sudo"
  exec sudo -E -H env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS PATH="$PATH" \
    RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" \
    CARGO_HOME="$state/cargo-home" CARGO_TARGET_DIR="$state/target" \
    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$checkout" \
    "${BASH_SOURCE[0]}" "$@"
}

# ------------------------------------------------------------------ gates

# Files of the checkout, new ones too, whose name or first line matches.
files_like() {
  local name=$1 first_line=$2 file line
  git ls-files --cached --others --exclude-standard -z | while IFS= read -r -d '' file; do
    [ -f "$file" ] || continue
    if [[ $file =~ $name ]]; then
      printf '%s\0' "$file"
      continue
    fi
    # Binary files may hold no line at all, or a zero byte in it.
    IFS= read -r line <"$file" 2>/dev/null || [ -n "$line" ] || continue
    [[ ! $line =~ $first_line ]] || printf '%s\0' "$file"
  done
}

gate_shell() {
  local ours='\.sh$|^(shell|tests)/.*\.bash$' shebang='^#!.*[/ ](ba)?sh( |$)' file
  files_like "$ours" "$shebang" | xargs -0r shellcheck --external-sources
  files_like "$ours" "$shebang" | xargs -0r shfmt -i 2 -ci -d
  files_like '\.bash$' '^$.' | xargs -0rn1 bash -n
  files_like '\.zsh$' '^#(!.*[/ ]zsh|compdef )' | xargs -0rn1 zsh -n
  files_like '\.fish$' '^#!.*[/ ]fish' | xargs -0rn1 fish --no-execute
  files_like '\.nu$' '^#!.*[/ ]nu' | while IFS= read -r -d '' file; do
    # shellcheck disable=SC2016
    FILE=$file "$AGENT_SESSION_TEST_NU" --no-config-file --commands \
      'if not (nu-check --debug $env.FILE) { error make --unspanned {msg: $env.FILE} }'
  done
}

gate_clippy() {
  cargo clippy --quiet --all-targets --locked -- -D warnings
  cargo clippy --quiet --all-targets --locked --features nu-test -- -D warnings
}
gate_doc() { RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --no-deps --locked; }

# The advisories' database is on the network; the rest needs only the lock file.
gate_deny() {
  if [ -e deny.toml ] && command -v cargo-deny >/dev/null; then
    cargo fetch --quiet --locked
    cargo deny --offline --all-features check licenses bans sources
  else
    say "deny: left out (no deny.toml, or cargo-deny is not installed)"
  fi
}

gates() {
  phase fmt cargo fmt --check
  phase shell gate_shell
  phase clippy gate_clippy
  phase doc gate_doc
  phase deny gate_deny
}

# ------------------------------------------------------------------ tests

build() {
  cargo build --quiet --locked
  "$checkout/tests/setup.sh" images "${CARGO_TARGET_DIR:-$checkout/target}/debug/agent-session"
}

# A test waits as often as it works: for podman, for a terminal, for an agent.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}

# Integration tests last: their summary is what the output closes with.
all_tests() {
  cargo test --locked --lib --bins
  cargo test --locked --doc
  cargo test --locked --test main
}

# The plugin for Nushell is built once, with what its tests need: minutes on a machine that is cold. The core program
# that comes with it is the same, but for what stands in the library.
plugin_tests() {
  cargo test --locked --features nu-test --lib nu::
  cargo test --locked --features nu-test --test nushell
}

main() {
  cd "$checkout"
  # Nothing may wait for somebody to type.
  exec </dev/null
  trap '[ $? = 0 ] || say "FAILED: ${phase_name:-}"' EXIT
  phase setup "$checkout/tests/setup.sh"
  # shellcheck source=/dev/null
  . "$state/env.sh"
  # The tests' ordinary user runs what is built, and may not enter root's home.
  "$AGENT_SESSION_TEST_AS_USER" test -x "$checkout" ||
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$state/target}"
  [ $# -gt 0 ] || gates
  phase build build
  phase_name=tests
  if [ $# -gt 0 ]; then
    cargo test --locked --tests -- "$@"
    cargo test --locked --features nu-test --test nushell -- "$@"
  else
    plugin_tests
    all_tests
  fi
}

[ "$(id -u)" = 0 ] || become_root "$@"
main "$@"
