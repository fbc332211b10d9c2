#!/usr/bin/env bash
# The Nushell plugin beside what one would type without it, and what it costs
# the core program, which knows nothing of it.
#
#   tests/bench-nu.sh [RUNS]     30 runs each, unless told otherwise
#
# Wants a machine that tests/run.sh has prepared. Uses a session named
# bench-nu, and removes it.
set -euo pipefail
umask 022

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=${1:-30}
work=$(mktemp -d)

cleanup() {
  podman rm --force --time 0 agent-session-bench-nu >/dev/null 2>&1 || true
  podman volume rm --force agent-session-bench-nu >/dev/null 2>&1 || true
  rm -rf "$work"
}

nu() { "$AGENT_SESSION_TEST_NU" --config "$work/config.nu" --plugin-config "$work/plugins" --commands "$1"; }

# Medians, in milliseconds. The plugin and its peer take turns, so that both
# meet the same machine; a cold call starts the plugin, a warm one finds it.
time_calls() {
  nu "
    def middle [] { (\$in | math median) / 1ms }
    agent-session ls | ignore
    let times = 1..$runs | each {
      agent-session ls | ignore
      {
        warm: (timeit { agent-session ls | ignore })
        peer: (timeit { ^agent-session ls --json | from json | ignore })
        cold: (do { plugin stop agent_session; timeit { agent-session ls | ignore } })
      }
    }
    [warm peer cold] | each {|name| \$times | get \$name | middle } | str join ' '"
}

table() {
  awk '{
    print "| ls in Nushell, one session | ms | ratio |"
    print "| --- | --- | --- |"
    printf "| the plugin, warm | %.1f | %.2f |\n", $1, $1 / $2
    printf "| the plugin, cold | %.1f | %.2f |\n", $3, $3 / $2
    printf "| ^agent-session ls --json, from json | %.1f | 1 |\n", $2
  }'
}

core() {
  local name
  hyperfine --shell none --warmup 20 --runs 300 --export-json "$work/result.json" \
    "$work/without/bin/agent-session --version" "$work/with/bin/agent-session --version" true >"$work/hyperfine.log" 2>&1
  printf '\n| the core program | bytes | --version, ms |\n| --- | --- | --- |\n'
  for name in without with; do
    printf '| built %s the plugin | %d | %.2f |\n' "$name" "$(stat -c %s "$work/$name/bin/agent-session")" \
      "$(jq --arg it "$work/$name/bin/agent-session --version" '.results[] | select(.command == $it).median * 1000' "$work/result.json")"
  done
  printf '| true | | %.2f |\n' "$(jq '.results[2].median * 1000' "$work/result.json")"
}

main() {
  # shellcheck source=/dev/null
  . "$state/env.sh"
  cd "$checkout"
  trap cleanup EXIT
  install_release "$work/without"
  install_release "$work/with" --features nu
  export PATH="$work/with/bin:$PATH"
  agent-session build shell --zellij "$AGENT_SESSION_TEST_ZELLIJ" >/dev/null 2>&1
  mkdir "$work/project"
  agent-session start -d -a shell -n bench-nu "$work/project" >/dev/null
  : >"$work/config.nu"
  nu "plugin add $work/with/bin/nu_plugin_agent_session"
  time_calls | table
  core
}

main
