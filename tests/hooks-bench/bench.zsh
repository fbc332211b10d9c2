# Times a hook in zsh: see ../bench-hooks.sh.

zmodload zsh/datetime
. "$HOOK"

# What zsh runs before a prompt.
prompt() {
  local function
  for function in $precmd_functions; do $function; done
}

fork() { /bin/true }
plain() { cd "$PLAIN/$1"; prompt }
enter() { cd "$PROJECT/$1"; prompt }
same() { prompt }
exec 3>>"$OUT"

# measure NAME COUNT: nanoseconds of each call.
measure() {
  local i start end
  for ((i = 0; i < $2; i++)); do
    start=$EPOCHREALTIME
    $1 $((i % 2))
    end=$EPOCHREALTIME
    printf '%s %.0f\n' $1 $(((end - start) * 1e9)) >&3
  done
}

plain 0
measure fork $COUNT
measure plain $COUNT
measure same $COUNT
measure enter $COUNT
