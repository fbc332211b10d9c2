# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # what install.sh sets, and what it uses
# What this script puts on the machine, written down before it is done, so that it can be taken out
# again: a line each of a kind and a path.

state_dir=${XDG_STATE_HOME:-$HOME/.local/state}/agent-session
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/agent-session
manifest=$state_dir/install/manifest
block_begin='# >>> agent-session >>>'
block_end='# <<< agent-session <<<'

recorded() { grep -Fqsx -- "$1 $2" "$manifest"; }

remember() {
  [ "$dry_run" = yes ] || recorded "$1" "$2" || printf '%s %s\n' "$1" "$2" >>"$manifest"
}

# The paths of a kind, the last one first.
all_recorded() { sed -n "s/^$1 //p" "$manifest" | sed '1!G;h;$!d'; }

# The directories that are not there on the way to this one, outermost first.
missing_dirs() {
  [ -d "$1" ] || {
    missing_dirs "$(dirname -- "$1")"
    printf '%s\n' "$1"
  }
}

open_record() {
  [ "$dry_run" = no ] || return 0
  new=$(missing_dirs "$(dirname -- "$manifest")")
  mkdir -p "$(dirname -- "$manifest")"
  remember_dirs "$new"
}

remember_dirs() {
  [ -z "$1" ] || printf '%s\n' "$1" | while IFS= read -r dir; do remember dir "$dir"; done
}

make_dir() {
  [ ! -d "$1" ] || return 0
  remember_dirs "$(missing_dirs "$1")"
  run mkdir -p "$1"
}

# A file of this checkout at its place on the machine.
put_file() {
  ! cmp -s "$1" "$2" || return 0
  if [ -e "$2" ] && ! recorded file "$2"; then
    say "  left alone, since it is not from here: $2"
    return 0
  fi
  make_dir "$(dirname -- "$2")"
  remember file "$2"
  run cp "$1" "$2"
}

block_in() { sed -n "/^$block_begin\$/,/^$block_end\$/p" "$1" 2>/dev/null; }
without_block() { sed "/^$block_begin\$/,/^$block_end\$/d" "$1"; }

# Whether a file has as many beginnings as ends: cutting it is safe then.
has_whole_block() {
  [ "$(grep -Fcsx -- "$block_begin" "$1")" = "$(grep -Fcsx -- "$block_end" "$1")" ]
}

# Writes through a symbolic link, keeps owner and mode, and is not interrupted half way.
overwrite() {
  trap '' INT TERM HUP
  cat "$1" >"$2"
  rm "$1"
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  trap 'interrupted 129' HUP
}

# Lines of this program's own in a file of the user's, between two marks.
put_block() {
  text=$(printf '%s\n%s\n%s' "$block_begin" "$2" "$block_end")
  if [ "$(block_in "$1")" = "$text" ]; then
    say "  already in $1"
    return 0
  fi
  if [ -e "$1" ] && ! has_whole_block "$1"; then
    say "  left alone: $1 has one of the two marks '$block_begin' and '$block_end' without the other"
    return 0
  fi
  say "  these lines go into $1:"
  printf '%s\n' "$text" | sed 's/^/    + /'
  ask "Add them?" || return 0
  [ "$dry_run" = yes ] || write_block "$1" "$text"
}

write_block() {
  make_dir "$(dirname -- "$1")"
  [ -e "$1" ] || remember made "$1"
  remember block "$1"
  backup=$1.before-agent-session
  if [ -e "$1" ] && [ -z "$(block_in "$1")" ]; then
    run cp -p "$1" "$backup"
  fi
  new=$(dirname -- "$manifest")/new
  { [ ! -e "$1" ] || without_block "$1"; } >"$new"
  # A last line without its end would swallow the mark.
  [ -z "$(tail -c 1 "$new")" ] || echo >>"$new"
  printf '%s\n' "$2" >>"$new"
  overwrite "$new" "$1"
}

# Takes the marked lines out. The file is then what it was, or the backup stays.
remove_block() {
  [ -e "$1" ] || return 0
  if ! has_whole_block "$1"; then
    say "  left alone: $1 has a mark of agent-session's without its other; take the lines out by hand"
    return 0
  fi
  say "  takes the marked lines out of $1"
  [ "$dry_run" = no ] || return 0
  new=$(dirname -- "$manifest")/new backup=$1.before-agent-session
  without_block "$1" >"$new"
  if [ -e "$backup" ] && { cat "$backup" && echo; } | cmp -s - "$new"; then
    cp "$backup" "$new"
  fi
  overwrite "$new" "$1"
  if cmp -s "$1" "$backup"; then
    rm "$backup"
  elif [ -e "$backup" ]; then
    say "  $1 has changed since: what it was is in $backup"
  fi
  ! recorded made "$1" || [ -s "$1" ] || rm "$1"
}
