#!/usr/bin/env bash
# setup COMMAND: run the setup of a session, once it succeeded never again. What it prints is kept beside its mark. One
# whose caller was killed goes on; the next caller waits for it.
set -uo pipefail

state=$HOME/.local/state/agent-session
mkdir -p "$state"
exec 9>"$state/setup.lock"
flock 9
[[ ! -e $state/setup.done ]] || exit 0
bash -c "$1" 2>&1 </dev/null 9>&- | tee "$state/setup.log" 9>&-
status=${PIPESTATUS[0]}
((status != 0)) || : >"$state/setup.done"
exit "$status"
