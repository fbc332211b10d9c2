# The hook of agent-session for zsh: `agent-session init zsh` prints it.
#
# At the prompt that follows entering a project, and at no other moment, `agent-session enter` is run: chpwd also comes
# in functions, in completions, and before the rest of `cd x && make`.
# To find out, nothing is started and nothing is opened: when the directory changed, its parents are asked for a name.
#
#   AGENT_SESSION_HOOK=0      do nothing
#   AGENT_SESSION_HOOK=eager  act in a new shell's first directory too
#
# zsh itself gives `$?` and `$pipestatus` back after each of precmd_functions.

if [[ -o interactive ]]; then
  # Whether there was a prompt, the project root of the last one, roots entered.
  typeset -g +x __agent_session_is_armed __agent_session_root __agent_session_seen

  # Before the one prompt that follows: there is nothing to do at any other.
  __agent_session_moved() {
    'builtin' 'emulate' -L zsh
    precmd_functions+=(__agent_session_hook)
  }

  # Recorded first: whatever goes wrong afterwards does not come again at the next prompt.
  __agent_session_hook() {
    'builtin' 'emulate' -L zsh
    precmd_functions=(${precmd_functions:#__agent_session_hook})
    'builtin' 'set' -- "$PWD" "$__agent_session_root" "$__agent_session_is_armed"
    while [[ $1 == /?* && ! -e $1/.agent-session.toml ]]; do
      1=${1%/*}
    done
    [[ $1 == /?* ]] || 1=
    __agent_session_root=$1
    __agent_session_is_armed=yes
    [[ -n $1 && $1 != $2 && ( -n $3 || $AGENT_SESSION_HOOK == eager ) ]] || 'builtin' 'return' 0
    __agent_session_is_silent || __agent_session_enter $1 || 'builtin' 'return' 0
  }

  __agent_session_is_silent() {
    [[ $AGENT_SESSION_HOOK == 0 || ! -t 0 || ! -t 1 || ${TERM:-dumb} == dumb ]] ||
      [[ $TERM_PROGRAM == vscode || $TERMINAL_EMULATOR == JetBrains-JediTerm ]] ||
      [[ -n $AGENT_SESSION$ZELLIJ$INSIDE_EMACS$VIM$NVIM$ZED_TERM$CI ]] ||
      [[ -n $INTELLIJ_ENVIRONMENT_READER$VSCODE_RESOLVING_ENVIRONMENT ]]
  }

  # With --again this shell has been in the project before, and has had its hint. No path holds `//`.
  __agent_session_enter() {
    if [[ $__agent_session_seen == *"/$1//"* ]]; then
      'builtin' 'command' agent-session enter --again -- $1
    else
      __agent_session_seen+=/$1//
      'builtin' 'command' agent-session enter -- $1
    fi
  }

  autoload -Uz add-zsh-hook
  add-zsh-hook chpwd __agent_session_moved
  # A new shell's first directory.
  add-zsh-hook precmd __agent_session_hook
fi
