# The hook of agent-session for fish: `agent-session init fish` prints it.
#
# At the prompt that follows entering a project, and at no other moment, `agent-session enter` is run: a hook on the
# change of directory itself would fire in functions, and before the rest of `cd x; and make`.
# To find out, nothing is started and nothing is opened: when the directory changed, its parents are asked for a name.
#
#   AGENT_SESSION_HOOK=0      do nothing
#   AGENT_SESSION_HOOK=eager  act in a new shell's first directory too
#
# fish itself gives `$status` and `$pipestatus` back after an event, and has one function of a name: sourcing this
# again changes nothing.

if status is-interactive
    function __agent_session_hook --on-event fish_prompt
        test "$PWD" = "$__agent_session_pwd"
        or __agent_session_moved
    end

    # No command substitution: it would take a name with a newline in it for two, and costs as much as all the rest.
    # Each command costs, so that one asks for all parents at once, where there are no more than ten.
    function __agent_session_moved
        set -l n
        string match --quiet --regex --all '(?<n>/[^/]+)' -- $PWD
        if test -n "$n[11]" \
                -o -e "$n[1]/.agent-session.toml" \
                -o -e "$n[1]$n[2]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]$n[5]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]$n[5]$n[6]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]$n[5]$n[6]$n[7]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]$n[5]$n[6]$n[7]$n[8]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]$n[5]$n[6]$n[7]$n[8]$n[9]/.agent-session.toml" \
                -o -e "$n[1]$n[2]$n[3]$n[4]$n[5]$n[6]$n[7]$n[8]$n[9]$n[10]/.agent-session.toml"
            __agent_session_look
        else
            set -g __agent_session_pwd $PWD
            set -g __agent_session_root
        end
    end

    # Recorded first: whatever goes wrong afterwards does not come again at the next prompt.
    function __agent_session_look
        set -l root $PWD
        while test -n "$root" -a ! -e "$root/.agent-session.toml"
            string match --quiet --regex '(?s)^(?<root>.*)/' -- $root
        end
        set -l last $__agent_session_root
        set -q __agent_session_pwd
        and set -l is_known
        set -g __agent_session_pwd $PWD
        set -g __agent_session_root $root
        test -n "$root" -a "$root" != "$last"
        or return
        set -q is_known
        or test "$AGENT_SESSION_HOOK" = eager
        or return
        __agent_session_is_silent
        or __agent_session_enter $root
    end

    function __agent_session_is_silent
        test "$AGENT_SESSION_HOOK" = 0 -o "$TERM" = dumb -o -z "$TERM"
        or not test -t 0 -a -t 1
        or test "$TERM_PROGRAM" = vscode -o "$TERMINAL_EMULATOR" = JetBrains-JediTerm
        or test -n "$AGENT_SESSION$ZELLIJ$INSIDE_EMACS$VIM$NVIM$ZED_TERM$CI"
        or test -n "$INTELLIJ_ENVIRONMENT_READER$VSCODE_RESOLVING_ENVIRONMENT"
    end

    # fish has set the terminal up for its line editor here, and does not look at it again before it reads: what a
    # program that was killed left behind must be undone. Ctrl+C works in these modes; nothing that is asked would.
    # With --again this shell has been in the project before, and has had its hint.
    function __agent_session_enter --argument-names root
        set -q __agent_session_modes
        or set -g __agent_session_modes (stty -g)
        set -l again
        contains -- $root $__agent_session_seen
        and set again --again
        or set -g -a __agent_session_seen $root
        command agent-session enter $again -- $root
        test $status -le 128
        or stty $__agent_session_modes
    end
end
