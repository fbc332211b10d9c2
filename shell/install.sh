#!/bin/sh
# Takes a machine that has Rust to a running session, and back again: see --help.
set -eu

usage() {
  cat <<'TEXT'
Usage: shell/install.sh [OPTIONS] [PATH]

Install Podman, agent-session and its completions, and start a session on PATH
[default: the current directory]. Each step is said before it is done, and asked
for where it changes more than this program's own files. Run it again to upgrade,
or to go on after it was interrupted: what is done is not done twice.

Options:
  -y, --yes         Answer every question with yes
  -n, --dry-run     Say what would be done, and change nothing
      --prefix DIR  Install into DIR/bin [default: where cargo install does]
      --no-start    Do not start a session
      --uninstall   Take out what this script put in; ask about sessions
  -h, --help        Print this help

Exit status:
  0 done    1 failed    2 wrong options    6 declined, or nobody was there to ask

Examples:
  See what would happen, then have it done:
    $ ./shell/install.sh --dry-run
    $ ./shell/install.sh ~/projects/my-app
TEXT
}

# ------------------------------------------------------------------- words

say() { printf '%s\n' "$*"; }
step() { printf '\n==> %s\n' "$*"; }

# fail EXIT MESSAGE COMMAND: the command is what to type next.
fail() {
  printf '\ninstall.sh: %s\n  next: %s\n' "$2" "$3" >&2
  exit "$1"
}

# The words as a shell would take them.
quoted() {
  space=
  for word in "$@"; do
    case $word in
      '' | *[!A-Za-z0-9_./:=@%+,-]*) word="'$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'" ;;
    esac
    printf '%s%s' "$space" "$word"
    space=' '
  done
}

show() { say "  \$ $(quoted "$@")"; }

run() {
  show "$@"
  [ "$dry_run" = yes ] || "$@"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    run "$@"
  elif command -v sudo >/dev/null; then
    run sudo "$@"
  else
    fail 1 "this needs root, and there is no sudo" "su -c \"$(quoted "$@")\", then $again"
  fi
}

# A question, to which Enter means yes; where nobody is there the answer is no.
ask() {
  if [ "$yes" = yes ] || [ "$dry_run" = yes ]; then
    say "$1 [Y/n] y"
  elif [ -t 0 ]; then
    printf '%s [Y/n] ' "$1"
    read -r answer || answer=no
    case $answer in '' | [Yy] | [Yy][Ee][Ss]) ;; *) return 1 ;; esac
  else
    say "$1 Nobody is there to ask, which is a no; --yes says yes."
    return 1
  fi
}

# at_least VERSION WANTED: by their first two numbers.
at_least() {
  minor=${1#*.} wanted_minor=${2#*.}
  [ "${1%%.*}" -gt "${2%%.*}" ] ||
    { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${minor%%[!0-9]*}" -ge "${wanted_minor%%[!0-9]*}" ]; }
}

# shellcheck disable=SC2317 # called by traps
interrupted() {
  trap '' INT TERM HUP
  printf '\ninstall.sh: interrupted; what is done is not done twice\n  next: %s\n' "$again" >&2
  exit "$1"
}

# ----------------------------------------------------------------- options

usage_error() {
  printf 'install.sh: %s\n\n' "$1" >&2
  usage >&2
  exit 2
}

set_prefix() {
  case $1 in
    '') usage_error "--prefix needs a directory" ;;
    /*) prefix=$1 ;;
    *) prefix=$PWD/$1 ;;
  esac
}

set_project() {
  [ -z "$operand" ] || usage_error "one PATH alone: '$1' is one too many"
  operand=$1
  [ -d "$operand" ] || fail 2 "'$operand' is not a directory" "mkdir -p $(quoted "$operand")"
  project=$(CDPATH='' cd -- "$operand" && pwd -P)
}

parse() {
  yes=no dry_run=no start=yes uninstall=no operand='' project=$PWD
  prefix=${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}
  while [ $# -gt 0 ]; do
    case $1 in
      -y | --yes) yes=yes ;;
      -n | --dry-run) dry_run=yes ;;
      --prefix=*) set_prefix "${1#--prefix=}" ;;
      --prefix)
        [ $# -gt 1 ] || usage_error "--prefix needs a directory"
        set_prefix "$2"
        shift
        ;;
      --no-start) start=no ;;
      --uninstall) uninstall=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      --)
        shift
        [ $# = 0 ] || set_project "$1"
        [ $# -lt 2 ] || usage_error "one PATH alone: '$2' is one too many"
        return
        ;;
      -*) usage_error "no such option: $1" ;;
      *) set_project "$1" ;;
    esac
    shift
  done
}

# ------------------------------------------------------------------- steps

rust_help="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"

check_rust() {
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$checkout/Cargo.toml")
  step "Looking for Rust $wanted or newer"
  command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
  command -v cargo >/dev/null ||
    fail 1 "there is no cargo: agent-session is built with Rust $wanted or newer" "$rust_help"
  found=$(rustc --version 2>/dev/null | sed 's/^rustc \([0-9.]*\).*/\1/') || true
  [ -n "$found" ] || fail 1 "cargo is there, but rustc does not run" "rustup default stable"
  command -v rustup >/dev/null && rust_help='rustup update stable'
  at_least "$found" "$wanted" ||
    fail 1 "Rust $found is too old: agent-session is built with $wanted or newer" "$rust_help"
  say "  found Rust $found"
}

# The home directory is never mounted: better said now than after a build.
check_project() {
  [ "$start" = no ] || [ "$project" != "$(CDPATH='' cd -- "$HOME" && pwd -P)" ] ||
    fail 2 "a session cannot be given the whole home directory" "$0 ~/projects/my-app (or --no-start)"
}

# Unlike `cargo fetch`, which fetches what other features and the tests want too: three times as much.
fetch_crates() {
  step "Fetching the crates that agent-session is made of, if they are not there"
  set -- cargo tree --quiet --locked --edges normal,build --manifest-path "$checkout/Cargo.toml"
  ! has_nu || set -- "$@" --features nu
  show "$@"
  [ "$dry_run" = yes ] || "$@" >/dev/null || fail 1 \
    "cargo could not fetch the crates: its registry could not be reached (cargo's words are above); nothing is installed" \
    "check the network or the proxy (HTTPS_PROXY), then $again"
}

cargo_install() {
  # shellcheck disable=SC2046 # a list of words
  run cargo install --offline --locked --path "$checkout" --root "$prefix" $(linking) "$@"
}

install_binary() {
  step "Building agent-session and installing it into $prefix/bin; minutes, the first time"
  make_dir "$prefix/bin"
  [ -e "$prefix/.crates.toml" ] || remember tracking "$prefix"
  remember binary "$prefix"
  cargo_install || fail 1 \
    "the build failed (cargo's words are above); what was installed before is still there" "$again"
}

has_nu() { command -v nu >/dev/null; }

# The plugin speaks the protocol of one minor version of nu.
install_plugin() {
  has_nu || return 0
  step "Building the Nushell plugin, and registering it with nu"
  built_for=$(sed -n '/^name = "nu-plugin"$/{n;s/^version = "\(.*\)"/\1/p;}' "$checkout/Cargo.lock")
  found=$(nu --version)
  say "  the plugin is for nu ${built_for%.*}, and this is nu $found"
  if [ "${found%.*}" != "${built_for%.*}" ]; then
    say "  left out: they differ. With nu ${built_for%.*} there: $again"
    return 0
  fi
  remember plugin "$plugin"
  cargo_install --features nu --bin nu_plugin_agent_session ||
    fail 1 "the plugin's build failed (cargo's words are above)" "$again"
  run nu --commands "plugin add r#'$plugin'#"
}

check_machine() {
  step "Looking for what stands in the way of a session"
  show "$program" doctor
  [ "$dry_run" = no ] || return 0
  well=yes
  found=$("$program" doctor) || well=no
  say "$found"
  # It ends with the next command; warnings can be mended too.
  case $found in
    *'Next: agent-session doctor --fix')
      if ask "Let doctor mend what it can?"; then mend; else declined; fi
      ;;
    *) [ $well = yes ] || fail 1 "something is left that doctor cannot mend" "$program doctor" ;;
  esac
}

mend() {
  if [ "$yes" = yes ]; then set -- --yes; else set --; fi
  run "$program" doctor --fix "$@" || fail 1 "something is left that doctor cannot mend" "$program doctor"
}

declined() { [ "$well" = yes ] || fail 6 "not mended" "$program doctor --fix"; }

# The first agent that can log in by what the host has; else the one that needs nothing.
choose_agent() {
  if [ -n "${ANTHROPIC_API_KEY:-}${CLAUDE_CODE_OAUTH_TOKEN:-}" ] ||
    grep -Eqs '"apiKey"[[:space:]]*:[[:space:]]*"[^"]' "$HOME/.claude.json"; then
    echo claude
  elif [ -n "${OPENAI_API_KEY:-}${OPENROUTER_API_KEY:-}${GEMINI_API_KEY:-}${OPENCODE_API_KEY:-}" ] ||
    grep -Eqs '"type"[[:space:]]*:[[:space:]]*"api"' "$HOME/.local/share/opencode/auth.json"; then
    echo opencode
  else
    echo shell
  fi
}

start_session() {
  if [ "$start" = no ]; then
    step "Done. A session on a project: cd there, then $program start"
  elif [ "$dry_run" = no ] && "$program" inspect default >/dev/null 2>&1; then
    step "Returning to the session 'default'"
    run "$program" start ${operand:+"$project"}
  else
    agent=$(choose_agent)
    step "Starting a session on $project, with the agent '$agent'; Ctrl+o d leaves it"
    run "$program" start -a "$agent" -y "$project"
  fi
}

# -------------------------------------------------------------------- main

install_all() {
  check_project
  check_rust
  fetch_crates
  install_packages
  open_record
  install_binary
  install_plugin
  install_startup
  check_machine
  start_session
}

# Called on the last line and never left, so that a `git pull` meanwhile is harmless: all has been read.
main() {
  : "${HOME:?install.sh: HOME is not set}"
  again=$(quoted "$0" "$@")
  parse "$@"
  checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
  program=$prefix/bin/agent-session
  # shellcheck source-path=SCRIPTDIR source=install/linking.sh
  . "$checkout/shell/install/linking.sh"
  # shellcheck source-path=SCRIPTDIR source=install/packages.sh
  . "$checkout/shell/install/packages.sh"
  # shellcheck source-path=SCRIPTDIR source=install/record.sh
  . "$checkout/shell/install/record.sh"
  # shellcheck source-path=SCRIPTDIR source=install/startup.sh
  . "$checkout/shell/install/startup.sh"
  # shellcheck source-path=SCRIPTDIR source=install/uninstall.sh
  . "$checkout/shell/install/uninstall.sh"
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  trap 'interrupted 129' HUP
  [ "$dry_run" = no ] || say "Nothing is changed: this says what would be done."
  if [ "$uninstall" = yes ]; then uninstall_all; else install_all; fi
  exit 0
}

main "$@"
