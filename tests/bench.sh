#!/usr/bin/env bash
# The benchmarks: each command beside the bare podman (or nothing) that it stands on, in one run, as a ratio.
#
#   tests/bench.sh [RUNS]     20 runs each, unless told otherwise
#
# Wants a machine that tests/run.sh has prepared. Uses its own home and sessions named bench-*, and removes them.
set -euo pipefail
umask 022

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=${1:-20}
work=$(mktemp -d)
tool=$state/installed/bin/agent-session
paint=${CARGO_TARGET_DIR:-$checkout/target}/release/examples/first_paint
server=/usr/lib/agent-session/up
text='/workspace>'

cleanup() {
  local container
  for container in agent-session-bench-{ours,bare}; do
    podman rm --force --time 0 "$container" >/dev/null 2>&1 || true
    podman volume rm --force "$container" >/dev/null 2>&1 || true
  done
  rm -rf "$work"
}

# The median of the times that hyperfine wrote, in milliseconds, by the number of the command.
median() { jq -r ".results[$2].median * 1000 | . * 10 | round / 10" "$1"; }

row() {
  awk -v name="$1" -v ours="$2" -v bare="$3" -v peer="$4" \
    'BEGIN { printf "| %s | %.1f | %.1f | %.2f | %s |\n", name, ours, bare, ours / bare, peer }'
}

compare() {
  local name=$1 peer=$2 ours=$3 bare=$4
  shift 4
  hyperfine --shell none --warmup 2 --runs "$runs" --export-json "$work/result.json" "$@" "$ours" "$bare" \
    >"$work/hyperfine.log" 2>&1 || die "hyperfine failed: $(tail -n 5 "$work/hyperfine.log")"
  row "$name" "$(median "$work/result.json" 0)" "$(median "$work/result.json" 1)" "$peer"
}

# A script of one line, so that each side of a comparison is one process for hyperfine.
script() {
  printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
  printf '%s\n' "$work/$1"
}

# The podman run that made the session, word by word, for a container and a volume of another name.
bare_run() {
  podman container inspect agent-session-bench-ours --format json |
    jq -r '.[0].Config.CreateCommand | map(gsub("agent-session-bench-ours"; "agent-session-bench-bare") | @sh) | join(" ")'
}

bench_start() {
  "$tool" start -d -a shell -n bench-ours >/dev/null
  local gone="podman rm --force --time 0 %s >/dev/null 2>&1; podman volume rm --force %s >/dev/null 2>&1; true"
  local ours bare
  ours=$(script start-ours "exec $tool start -d -a shell -n bench-ours")
  bare=$(script start-bare "$(bare_run) >/dev/null && exec podman exec agent-session-bench-bare $server")
  # shellcheck disable=SC2059
  compare 'start -d (new session)' 'the same podman run -d, then the Zellij start' "$ours" "$bare" \
    --prepare "$(script gone-ours "$(printf "$gone" agent-session-bench-ours agent-session-bench-ours)")" \
    --prepare "$(script gone-bare "$(printf "$gone" agent-session-bench-bare agent-session-bench-bare)")"
}

# What runs inside ends first, on both sides.
bench_stop() {
  local container=agent-session-bench-ours
  compare 'stop' 'podman stop of the same container' \
    "$tool stop bench-ours" "podman stop --time 5 $container" \
    --prepare "$(script started "podman start $container && exec podman exec $container $server")"
}

bench_ls() {
  compare 'ls' 'podman ps --all' "$tool ls" 'podman ps --all --format json'
  compare '--version' 'true' "$tool --version" 'true'
}

bench_attach() {
  local i ours=() bare=()
  "$tool" start -d -n bench-ours >/dev/null 2>&1
  for ((i = 0; i < runs; i++)); do
    ours+=("$(painted "$tool" start -n bench-ours)")
    bare+=("$(painted podman exec -it --detach-keys= agent-session-bench-ours zellij attach bench-ours)")
  done
  row 'start (attach, to first paint)' "$(middle "${ours[@]}")" "$(middle "${bare[@]}")" 'podman exec -it … zellij attach'
}

# Microseconds to the first paint. Zellij 0.45 now and then sends a client away that comes right behind another one:
# such a run shows nothing, and is done again.
painted() {
  local try
  for try in 1 2 3 4 5; do
    "$paint" "$text" "$@" 2>"$work/paint.log" && return
  done
  die "never painted ($try tries): $(tail -n 3 "$work/paint.log")"
}

# The median of microseconds, in milliseconds.
middle() { printf '%s\n' "$@" | sort -n | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] / 1000 }'; }

# What a shell waits for at a prompt and at Tab, with a podman that hangs: neither asks it.
bench_shell() {
  printf 'name = "bench-ours"\nauto = "off"\n' >.agent-session.toml
  "$tool" allow >/dev/null 2>&1
  [ "$("$tool" status --prompt)" = 'bench-ours running' ] || die "status --prompt: $("$tool" status --prompt)"
  compare 'status --prompt' 'true' "env PATH=$hung:$PATH $tool status --prompt" "env PATH=$hung:$PATH true"
  compare "completing a session's name" 'true' \
    "env PATH=$hung:$PATH COMPLETE=fish $tool -- agent-session stop ''" "env PATH=$hung:$PATH true"
}

# Seconds, not ratios: nothing else does this. A doctor that finds podman hanging waits for it as long as every command does.
bench_doctor() {
  printf '\n| command | s |\n| --- | --- |\n'
  seconds 'doctor' "$tool doctor"
  seconds 'doctor (podman hangs)' "env PATH=$hung:$PATH $tool doctor"
}

seconds() {
  hyperfine --shell none --ignore-failure --runs 3 --export-json "$work/result.json" "$2" >"$work/hyperfine.log" 2>&1 ||
    die "hyperfine failed: $(tail -n 5 "$work/hyperfine.log")"
  printf '| %s | %s |\n' "$1" "$(jq '.results[0].median * 10 | round / 10' "$work/result.json")"
}

main() {
  # shellcheck source=/dev/null
  . "$state/env.sh"
  cd "$checkout"
  install_release "$state/installed"
  cargo build --quiet --release --locked --example first_paint
  "$tool" build shell --zellij "$AGENT_SESSION_TEST_ZELLIJ" >/dev/null 2>&1
  trap cleanup EXIT
  hung=$work/hung
  mkdir "$work/project" "$hung"
  script hung/podman 'exec sleep 1000' >/dev/null
  cd "$work/project"
  printf '| command | ms | peer ms | ratio | peer |\n| --- | --- | --- | --- | --- |\n'
  bench_start
  bench_stop
  bench_ls
  bench_attach
  bench_shell
  bench_doctor
}

main
