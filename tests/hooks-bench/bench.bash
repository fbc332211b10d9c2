# shellcheck shell=bash
# Times a hook in bash: see ../bench-hooks.sh.

# shellcheck source=/dev/null
. "$HOOK"

# What bash runs before a prompt, without the parsing, which it does with any.
IFS=$'\n'
eval "prompt() { :
${PROMPT_COMMAND[*]}
}"
IFS=$' \t\n'

fork() { /bin/true; }
plain() {
  cd "$PLAIN/$1" || exit
  prompt
}
enter() {
  cd "$PROJECT/$1" || exit
  prompt
}
same() { prompt; }
exec 3>>"$OUT"

# measure NAME COUNT: nanoseconds of each call.
measure() {
  local i start end
  for ((i = 0; i < $2; i++)); do
    start=$EPOCHREALTIME
    "$1" $((i % 2))
    end=$EPOCHREALTIME
    printf '%s %d000\n' "$1" $((${end/[.,]/} - ${start/[.,]/})) >&3
  done
}

plain 0
measure fork "$COUNT"
measure plain "$COUNT"
measure same "$COUNT"
measure enter "$COUNT"
