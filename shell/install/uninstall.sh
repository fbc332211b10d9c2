# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what install.sh sets, and what it uses
# Takes out what was put in. The record goes last, so that all can be done again.

# Whether no session is left. Sessions hold work: no option removes them, only a person who was asked.
remove_sessions() {
  [ -x "$program" ] || return 0
  table=$("$program" ls) || {
    say "  the sessions cannot be listed (why is said above), so they and their images stay"
    return 1
  }
  names=$(printf '%s\n' "$table" | sed -e 1d -e 's/ .*//')
  [ -n "$names" ] || return 0
  say "  sessions: $(echo "$names" | tr '\n' ' ')"
  if [ "$yes" = yes ] || [ "$dry_run" = yes ] || [ ! -t 0 ]; then
    say "  they stay, with all that is in them. To remove them too: $program stop --all, $program rm, then again"
    return 1
  fi
  printf 'Remove them, with the conversations and all else that is in their homes? [y/N] '
  read -r answer || answer=no
  case $answer in [Yy] | [Yy][Ee][Ss]) ;; *)
    say "  they stay"
    return 1
    ;;
  esac
  run "$program" stop --all
  # shellcheck disable=SC2086 # names have no spaces
  run "$program" rm --force $names
}

remove_images() {
  command -v podman >/dev/null || return 0
  # A build that was interrupted leaves containers of its own, which no other listing shows, and layers without a name.
  builders=$(podman ps --all --external --format '{{.Status}} {{.ID}} {{.Image}}' |
    sed -n 's|^Storage \([^ ]*\) localhost/agent-session-.*|\1|p')
  # shellcheck disable=SC2086 # a list of words
  [ -z "$builders" ] || run podman rm --force $builders || say "  not all containers of builds could be removed"
  images=$(podman images --filter 'reference=localhost/agent-session-*' --format '{{.Repository}}:{{.Tag}}') || return 0
  # shellcheck disable=SC2086 # names have no spaces
  [ -z "$images" ] || run podman rmi $images || say "  not all images could be removed"
  run podman image prune --force --external --filter label=io.agent-session.layer ||
    say "  not all layers could be removed"
}

remove_kept() {
  ask "Remove the images, $cache_dir and the locks and settings in $state_dir?" || return 0
  remove_images
  [ ! -e "$cache_dir" ] || run rm -rf -- "$cache_dir"
  for kept in "$state_dir"/*; do
    [ ! -e "$kept" ] || [ "$kept" = "$state_dir/install" ] || run rm -rf -- "$kept"
  done
}

remove_plugin() {
  ! command -v nu >/dev/null || run nu --commands 'plugin rm agent_session' || say "  nu did not know the plugin"
}

# Cargo keeps the list of what it installed in two files, and leaves them when the list is empty.
remove_binary() {
  if ! command -v cargo >/dev/null || ! run cargo uninstall --quiet --root "$1" agent-session; then
    for file in "$1/bin/agent-session" "$1/bin/nu_plugin_agent_session"; do
      [ ! -e "$file" ] || run rm -- "$file"
    done
  fi
  if recorded tracking "$1" && ! grep -qs '=' "$1/.crates.toml"; then
    run rm -f -- "$1/.crates.toml" "$1/.crates2.json"
  fi
}

# each KIND COMMAND: runs the command on each path of the kind.
each() {
  all_recorded "$1" | while IFS= read -r path; do "$2" "$path" </dev/null; done
}

remove_file() { [ ! -e "$1" ] || run rm -- "$1"; }
remove_dir() { rmdir -- "$1" 2>/dev/null || true; }

uninstall_all() {
  if [ ! -e "$manifest" ]; then
    say "Nothing that this script put in is recorded ($manifest)."
    return 0
  fi
  command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
  program=$(all_recorded binary | head -n 1)/bin/agent-session
  step "Looking for sessions"
  sessions_left=yes
  if remove_sessions; then
    sessions_left=no
    step "Removing what agent-session made"
    remove_kept
  fi
  step "Removing what was installed"
  each block remove_block
  each file remove_file
  each plugin remove_plugin
  each binary remove_binary
  [ "$dry_run" = yes ] || remove_record
  step "Done. Packages (Podman and its helpers) stay, and so does what cargo built in the checkout (cargo clean)."
}

# Where sessions are left, so are directories: of them the next time must know.
remove_record() {
  dirs=$(all_recorded dir)
  if [ "$sessions_left" = yes ]; then
    sed -n '/^dir /p' "$manifest" >"$manifest.new"
    mv "$manifest.new" "$manifest"
  else
    rm -- "$manifest"
    rmdir -- "$(dirname -- "$manifest")" "$state_dir" 2>/dev/null || true
  fi
  [ -z "$dirs" ] || printf '%s\n' "$dirs" | while IFS= read -r dir; do remove_dir "$dir"; done
}
