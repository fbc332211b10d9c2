#!/usr/bin/env bash
# Measures the way from a clone to the first prompt inside a session, in minutes,
# on a machine that is bare (tests/machine.sh) and on one that has Podman and the
# images already:
#
#   tests/first-prompt.sh
#
# Needs what tests/setup.sh made, and a machine with nothing else to do. Cargo's
# downloads are there already, and so is a Zellij program: where its release
# cannot be reached, building it adds what building it takes.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=/dev/null
. "$state/env.sh"

work=$(mktemp -d "$state/first-prompt.XXXXXX")
root=$work/root

make_machine() {
  mkdir -p "$root" "$work/target"
  tar -C "$root" -xf "$state/bare.tar"
  cp -rT /usr/local/share/ca-certificates "$root/usr/local/share/ca-certificates"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  mkdir -p "$root/root/project" "$root/root/.cargo/registry" "$root/root/.cache/agent-session/zellij"
  ln -s /opt/registry/cache /opt/registry/index "$root/root/.cargo/registry/"
  cp "$AGENT_SESSION_TEST_ZELLIJ" "$root/root/.cache/agent-session/zellij/"
  (cd "$root/root/.cache/agent-session/zellij" && for file in zellij-*; do sha256sum "$file" >"$file.sha256"; done)
  [ -z "${CONTAINERS_CONF:-}" ] || install -D -m 644 "$CONTAINERS_CONF" "$root/etc/containers/containers.conf"
}

boot() {
  mkfifo "$work/power"
  exec 9<>"$work/power"
  read -r init < <("$checkout/tests/machine.sh" "$root" robind "$(rustc --print sysroot)" /opt/rust \
    robind "${CARGO_HOME:-$HOME/.cargo}/registry" /opt/registry \
    robind "$checkout" /src/agent-session bind "$work/target" /opt/target <"$work/power" 9>&-)
  machine=$!
}

inside() {
  nsenter --target "$init" --mount --pid --net --uts --ipc -- env -i HOME=/root USER=root SHELL=/bin/bash \
    LANG=C.UTF-8 TERM=xterm-256color CARGO_TARGET_DIR=/opt/target \
    PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c "cd ~/project && $1" </dev/null
}

# From the command to the moment that the session's shell shows its prompt.
measure() {
  local begin=$EPOCHREALTIME
  inside "/src/agent-session/shell/install.sh --yes" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    die "it failed"
  }
  until inside 'podman exec agent-session-default zellij action dump-screen -p terminal_0' 2>/dev/null | grep -q workspace; do
    :
  done
  awk -v what="$1" -v begin="$begin" -v end="$EPOCHREALTIME" \
    'BEGIN { printf "%-44s %4.1f minutes\n", what, (end - begin) / 60 }'
}

clean_up() {
  exec 9>&-
  wait "$machine" || true
  rm -rf --one-file-system "$work"
}

main() {
  trap clean_up EXIT
  make_machine
  boot
  measure "a bare machine:"
  inside "PATH=\$PATH:/root/.cargo/bin; agent-session stop --all; agent-session rm --force default" >/dev/null
  inside "rm -r /root/.cargo/bin/agent-session /opt/target/*"
  measure "with Podman and the images:"
}

main "$@"
