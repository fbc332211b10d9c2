# shellcheck shell=bash
# What is set here is read by the scripts that source this.
# shellcheck disable=SC2034

run=/tmp/agent-session
clients=$run/clients
name=${AGENT_SESSION:?the container was not made by agent-session}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Whether the Zellij server of this session can be attached to. Asked of /proc, because a crashed server leaves its
# socket, and with builtins alone, because every attach asks. A server whose socket was deleted (rm -rf /tmp/*) can
# never be reached again: then the answer is no. `server` is its pid, where there is one.
server_lives() {
  local dir argv
  server=
  for dir in /proc/[0-9]*; do
    argv=()
    mapfile -d '' -t argv 2>/dev/null <"$dir/cmdline" || continue
    if [[ ${#argv[@]} -ge 3 && ${argv[0]##*/} == zellij && ${argv[1]} == --server && ${argv[2]##*/} == "$name" ]]; then
      server=${dir#/proc/}
      [[ -S ${argv[2]} ]]
      return
    fi
  done
  return 1
}

# Whether PID is still the client that attached under TOKEN: pids are used again, environments are not.
is_client() {
  local pid=$1 token=$2 entry
  while IFS= read -r -d '' entry; do
    [[ $entry == "AGENT_SESSION_CLIENT=$token" ]] && return 0
  done 2>/dev/null <"/proc/$pid/environ"
  return 1
}

# Makes the client of TOKEN detach, as when its terminal closes, and waits until it is gone.
detach_client() {
  local token=$1 pid i
  if { read -r pid <"$clients/$token"; } 2>/dev/null && [[ $pid =~ ^[1-9][0-9]*$ ]] && is_client "$pid" "$token"; then
    kill -HUP "$pid" 2>/dev/null || true
    for ((i = 0; i < 200; i++)); do
      is_client "$pid" "$token" || break
      sleep 0.01
    done
    ((i < 200)) || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -rf "${clients:?}/$token" "$clients/.$token"
}

valid_token() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$ ]]
}
