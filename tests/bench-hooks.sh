#!/usr/bin/env bash
# The hooks beside those of direnv, zoxide and mise, as ratios to one fork+exec of /bin/true in the same shell.
#
#   tests/bench-hooks.sh [COUNT]     200 calls each, unless told otherwise
#
# Wants a machine that tests/run.sh has prepared; gets zoxide and mise by itself, once.
# Fails where the hook costs more than it may, or more than another one.
set -euo pipefail
umask 022

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

count=${1:-200}
peers=$state/peers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

zoxide_version=0.10.0
mise_version=2026.9.15

get_peers() {
  command -v direnv >/dev/null || die "direnv is not installed: tests/run.sh installs it"
  [ -x "$peers/bin/zoxide" ] || {
    say "building zoxide $zoxide_version, once"
    cargo install --quiet --locked --root "$peers" "zoxide@$zoxide_version"
  }
  [ -x "$peers/bin/mise" ] || {
    npm install --silent --no-audit --no-fund --prefix "$peers/npm" "mise@$mise_version"
    ln -sf ../npm/node_modules/.bin/mise "$peers/bin/mise"
  }
}

# Two directories without a project, nine names deep, and two projects that are allowed for all of them.
make_directories() {
  local i
  plain=$work/a/b/c/d/e/plain project=$work/a/b/c/d/e/project
  for i in 0 1; do
    mkdir -p "$plain/$i" "$project/$i"
    printf 'auto = "off"\n' >"$project/$i/.agent-session.toml"
    printf 'export A=1\n' >"$project/$i/.envrc"
    printf '[env]\nA = "1"\n' >"$project/$i/mise.toml"
    (cd "$project/$i" && agent-session allow && direnv allow && mise trust) >"$work/allow.log" 2>&1 ||
      die "allowing failed: $(cat "$work/allow.log")"
  done
}

# What a shell reads for a hook; nothing where there is no hook for this shell.
hook() {
  case $1:$2 in
    none:*) echo '# nothing' ;;
    agent-session:*) agent-session init "$2" ;;
    direnv:nu) ;;
    direnv:*) direnv hook "$2" ;;
    zoxide:nu) zoxide init nushell ;;
    zoxide:*) zoxide init "$2" ;;
    mise:nu) ;;
    mise:*) mise activate "$2" ;;
  esac
}

# interactive PROGRAM… : on a terminal, and without the start-up files of anybody.
interactive() {
  script --quiet --return --command "$(printf '%q ' "$@")" /dev/null >"$work/screen" 2>&1 </dev/null ||
    die "failed: $* $(cat "$work/screen")"
}

# time_hook NAME SHELL
time_hook() {
  local file=$work/hook scripts=$checkout/tests/hooks-bench
  hook "$1" "$2" >"$file"
  [ -s "$file" ] || return 0
  export NAME=$1 HOOK=$file COUNT=$count PLAIN=$plain PROJECT=$project OUT=$work/$2-$1
  cd "$work"
  case $2 in
    bash) interactive bash --norc -i "$scripts/bench.bash" ;;
    zsh) interactive zsh -f -i "$scripts/bench.zsh" ;;
    fish) interactive fish -i "$scripts/bench.fish" ;;
    nu)
      cat "$file" "$scripts/bench.nu" >"$file.nu"
      interactive "$AGENT_SESSION_TEST_NU" --no-config-file --execute "source '$file.nu'; exit"
      ;;
  esac
}

# The least of what a call took: the machine has other things to do.
least() { awk -v name="$1" '$1 == name && (!least || $2 < least) { least = $2 } END { print least / 1000 }' "$2"; }

rows() {
  local shell name file
  for shell in bash zsh fish nu; do
    for name in none agent-session direnv zoxide mise; do
      file=$work/$shell-$name
      [ ! -e "$file" ] || echo "$shell $name $(for what in fork plain enter same; do least $what "$file"; done | paste -sd' ')"
    done
  done
}

# The limits are for this project's hook; no other may be below it anywhere. From a prompt in the same directory is
# taken what the measuring itself costs, without any hook.
table() {
  awk '
    BEGIN {
      print "| shell | hook | /bin/true, µs | cd, plain directory | entering a project | prompt, same directory |"
      print "| --- | --- | --- | --- | --- | --- |"
      limit["bash"] = limit["zsh"] = 0.25
      limit["fish"] = limit["nu"] = 0.5
    }
    {
      for (i = 4; i <= 6; i++) ratio[i] = $i / $3
      if ($2 == "none") {
        base = ratio[6]
        next
      }
      ratio[6] = ratio[6] > base ? ratio[6] - base : 0
      printf "| %s | %s | %d | %.3f | %.3f | %.3f |\n", $1, $2, $3, ratio[4], ratio[5], ratio[6]
      if ($2 == "agent-session") {
        for (i = 4; i <= 6; i++) ours[i] = ratio[i]
        if (ours[4] > limit[$1]) wrong = wrong $1 ": a plain directory costs more than " limit[$1] "\n"
        if (ours[5] > 2) wrong = wrong $1 ": entering a project costs more than 2\n"
        if (ours[6] > 0.02) wrong = wrong $1 ": a prompt costs more than 0.02\n"
      } else for (i = 4; i <= 6; i++)
        # To the hundredth: neither has anything to do at a prompt in zsh and fish.
        if (ours[i] > ratio[i] + 0.005) wrong = wrong $1 ": " $2 " is ahead in column " i - 1 "\n"
    }
    END { if (wrong) { printf "%s", wrong >"/dev/stderr"; exit 1 } }'
}

main() {
  local shell name
  # shellcheck source=/dev/null
  . "$state/env.sh"
  cd "$checkout"
  install_release "$state/installed"
  mkdir -p "$peers/bin"
  get_peers
  export PATH="$state/installed/bin:$peers/bin:$PATH"
  export HOME="$work/home" TERM=xterm-256color DIRENV_LOG_FORMAT='' MISE_QUIET=1
  unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME AGENT_SESSION ZELLIJ CI TMUX STY
  mkdir -p "$HOME"
  make_directories
  for shell in bash zsh fish nu; do
    for name in none agent-session direnv zoxide mise; do
      time_hook "$name" "$shell"
    done
  done
  rows | table
}

main
