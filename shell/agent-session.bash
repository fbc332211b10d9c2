# shellcheck shell=bash
# The hook of agent-session for bash: `agent-session init bash` prints it.
#
# At the prompt that follows entering a project, and at no other moment, `agent-session enter` is run: a hook on the
# change of directory itself would fire in functions, in completions, and before the rest of `cd x && make`.
# To find out, nothing is started and nothing is opened: when the directory changed, its parents are asked for a name.
#
#   AGENT_SESSION_HOOK=0      do nothing
#   AGENT_SESSION_HOOK=eager  act in a new shell's first directory too
#
# Names of the user's own are in nobody's way here: no variable but one, and no alias is expanded.

if [[ $- == *i* ]]; then
  # Directory, project root, roots entered. An array, because bash never exports one.
  [[ ${__agent_session+set} ]] || __agent_session=('' '' '')

  __agent_session_hook() {
    \builtin set -- "$?"
    \builtin test "${PWD-}" = "${__agent_session-}" || __agent_session_moved || :
    # For what stands behind this in PROMPT_COMMAND; under `set -e` it would end the shell.
    [[ $- == *e* ]] || \builtin return "$1"
  }

  # Recorded first: whatever goes wrong afterwards does not come again at the next prompt.
  __agent_session_moved() {
    \builtin set -- "${PWD-}" "${__agent_session[0]}" "${__agent_session[1]}"
    while [[ $1 == /?* && ! -e $1/.agent-session.toml ]]; do
      \builtin set -- "${1%/*}" "$2" "$3"
    done
    [[ $1 == /?* ]] || \builtin set -- '' "$2" "$3"
    __agent_session[0]=${PWD-}
    __agent_session[1]=$1
    [[ -n $1 && (-n $2 || ${AGENT_SESSION_HOOK-} == eager) ]] || \builtin return 0
    \builtin test "$1" = "$3" || __agent_session_is_silent || __agent_session_enter "$1"
  }

  __agent_session_is_silent() {
    [[ ${AGENT_SESSION_HOOK-} == 0 || ! -t 0 || ! -t 1 || ${TERM:-dumb} == dumb ]] ||
      [[ ${TERM_PROGRAM-} == vscode || ${TERMINAL_EMULATOR-} == JetBrains-JediTerm ]] ||
      [[ -n ${AGENT_SESSION-}${ZELLIJ-}${INSIDE_EMACS-}${VIM-}${NVIM-}${ZED_TERM-}${CI-} ]] ||
      [[ -n ${INTELLIJ_ENVIRONMENT_READER-}${VSCODE_RESOLVING_ENVIRONMENT-} ]]
  }

  # With --again this shell has been in the project before, and has had its hint. No path holds `//`.
  __agent_session_enter() {
    if [[ ${__agent_session[2]} == *"/$1//"* ]]; then
      \builtin command agent-session enter --again -- "$1"
    else
      __agent_session[2]+=/$1//
      \builtin command agent-session enter -- "$1"
    fi
  }

  # Behind what is there, in the form that it has, on a line of its own: a string may end in `;` or in a comment.
  # A child shell that inherits it has no such array, and runs nothing.
  # Anything in PROMPT_COMMAND behind bash-preexec has it miss the shell's first command: it keeps a list of its own.
  # shellcheck disable=SC2016,SC2128,SC2178,SC2179
  if [[ ${PROMPT_COMMAND[*]-}${precmd_functions[*]-} == *__agent_session_hook* ]]; then
    :
  elif [[ ${bash_preexec_imported-}${__bp_imported-} ]]; then
    precmd_functions+=(__agent_session_hook)
  elif ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) && [[ ${PROMPT_COMMAND[*]@a} == *a* ]]; then
    PROMPT_COMMAND+=('${__agent_session+"__agent_session_hook"}')
  else
    PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}'${__agent_session+"__agent_session_hook"}'
  fi
fi
