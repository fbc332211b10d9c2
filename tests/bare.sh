#!/usr/bin/env bash
# Runs the README's two commands on a machine that is bare (tests/machine.sh):
# Debian 12 and Rust, and nothing else.
#
#   tests/bare.sh first-prompt   measures the way from a clone to the first prompt
#                                inside a session, in minutes, there and on the
#                                same machine once it has Podman and the images
#   tests/bare.sh tests          runs the test command on what is committed
#
# Needs what tests/setup.sh made; what it measures wants a machine with nothing
# else to do. Cargo's downloads are there already, and so is a Zellij program:
# where its release cannot be reached, building it adds what building it takes.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=/dev/null
. "$state/env.sh"

work=$(mktemp -d "$state/bare-run.XXXXXX")
root=$work/root
registry=${CARGO_HOME:-$HOME/.cargo}/registry

make_machine() {
  mkdir "$root"
  tar -C "$root" -xf "$state/bare.tar"
  cp -rT /usr/local/share/ca-certificates "$root/usr/local/share/ca-certificates"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
}

# boot [bind|robind SOURCE TARGET]...
boot() {
  mkfifo "$work/power"
  exec 9<>"$work/power"
  read -r init < <("$checkout/tests/machine.sh" "$root" robind "$(rustc --print sysroot)" /opt/rust \
    bind "$registry" /root/.cargo/registry "$@" <"$work/power" 9>&-)
  machine=$!
}

# inside COMMAND [NAME=VALUE]...
inside() {
  nsenter --target "$init" --mount --pid --net --uts --ipc -- env -i HOME=/root USER=root SHELL=/bin/bash \
    LANG=C.UTF-8 TERM=xterm-256color "${@:2}" \
    PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c "$1" </dev/null 9>&-
}

clean_up() {
  exec 9>&-
  wait "${machine:-}" || true
  rm -rf --one-file-system "$work"
}

minutes() {
  awk -v what="$1" -v begin="$2" -v end="$EPOCHREALTIME" \
    'BEGIN { printf "%-44s %4.1f minutes\n", what, (end - begin) / 60 }'
}

# ----------------------------------------------------------- first prompt

# From the command to the moment that the session's shell shows its prompt.
measure() {
  local begin=$EPOCHREALTIME
  inside "cd ~/project && /src/agent-session/shell/install.sh --yes" CARGO_TARGET_DIR=/opt/target \
    >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    die "it failed"
  }
  until inside 'podman exec agent-session-default zellij action dump-screen -p terminal_0' 2>/dev/null | grep -q workspace; do
    :
  done
  minutes "$1" "$begin"
}

first_prompt() {
  local cache=$root/root/.cache/agent-session/zellij
  mkdir -p "$root/root/project" "$work/target" "$cache"
  cp "$AGENT_SESSION_TEST_ZELLIJ" "$cache"
  (cd "$cache" && for file in zellij-*; do sha256sum "$file" >"$file.sha256"; done)
  [ -z "${CONTAINERS_CONF:-}" ] || install -D -m 644 "$CONTAINERS_CONF" "$root/etc/containers/containers.conf"
  boot robind "$checkout" /src/agent-session bind "$work/target" /opt/target
  measure "a bare machine:"
  inside "PATH=\$PATH:/root/.cargo/bin; agent-session stop --all; agent-session rm --force default" >/dev/null
  inside "rm -r /root/.cargo/bin/agent-session /opt/target/*"
  measure "with Podman and the images:"
}

# ------------------------------------------------------------------ tests

run_tests() {
  local begin=$EPOCHREALTIME
  install -D "$AGENT_SESSION_TEST_ZELLIJ" "$root$AGENT_SESSION_TEST_ZELLIJ"
  git clone --quiet "$checkout" "$root/root/agent-session"
  boot
  inside "cd ~/agent-session && ./tests/run.sh"
  minutes "the test command, a bare machine:" "$begin"
}

main() {
  trap clean_up EXIT
  make_machine
  case ${1:-} in
    first-prompt) first_prompt ;;
    tests) run_tests ;;
    *) die "usage: tests/bare.sh first-prompt|tests" ;;
  esac
}

main "$@"
