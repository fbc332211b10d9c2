# The hook of agent-session for fish: `agent-session init fish` prints it.
#
# At the prompt that follows entering a project, and at no other moment, `agent-session enter` is run: the change of
# directory itself also comes in functions, and before the rest of `cd x; and make`.
# To find out, nothing is started and nothing is opened: when the directory changed, its parents are asked for a name.
#
#   AGENT_SESSION_HOOK=0      do nothing
#   AGENT_SESSION_HOOK=eager  act in a new shell's first directory too
#
# fish itself gives `$status` and `$pipestatus` back after an event, and has one function of a name: sourcing this
# again changes nothing.

if status is-interactive
    # Nothing is left to do at a prompt where there was no project and is none.
    function __agent_session_moved --on-variable PWD
        test -n "$__agent_session_root" -o -e "$PWD/.agent-session.toml"
        or __agent_session_is_below
        and __agent_session_await_prompt
    end

    # No command substitution: it would take a name with a newline in it for two, and costs as much as all the rest.
    # Each command costs, so that one asks for all parents at once, where there are no more than ten.
    function __agent_session_is_below
        set -l n
        string match --quiet --regex --all '(?<n>/[^/]+)(?=/)' -- $PWD
        test -n "$n[11]" \
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
    end

    function __agent_session_await_prompt
        function __agent_session_hook --on-event fish_prompt
            functions --erase __agent_session_hook
            __agent_session_look
        end
    end

    # Recorded first: whatever goes wrong afterwards does not come again at the next prompt.
    function __agent_session_look
        set -l root $PWD
        while test -n "$root" -a ! -e "$root/.agent-session.toml"
            string match --quiet --regex '(?s)^(?<root>.*)/' -- $root
        end
        set -l last $__agent_session_root
        set -g __agent_session_root $root
        test -n "$root" -a "$root" != "$last" \
            -a -n "$__agent_session_is_armed" -a "$AGENT_SESSION_HOOK" != 0 \
            -a -t 0 -a -t 1 -a -n "$TERM" -a "$TERM" != dumb \
            -a "$TERM_PROGRAM" != vscode -a "$TERMINAL_EMULATOR" != JetBrains-JediTerm \
            -a -z "$AGENT_SESSION$ZELLIJ$INSIDE_EMACS$VIM$NVIM$ZED_TERM$CI" \
            -a -z "$INTELLIJ_ENVIRONMENT_READER$VSCODE_RESOLVING_ENVIRONMENT"
        and __agent_session_enter $root
    end

    # fish has set the terminal up for its line editor here, and does not look at it again before it reads: what a
    # program that was killed left behind must be undone. Ctrl+C works in these modes; nothing that is asked would.
    # With --again this shell has been in the project before, and has had its hint.
    function __agent_session_enter --argument-names root
        set -q __agent_session_modes
        or set -g __agent_session_modes (stty -g)
        if contains -- $root $__agent_session_seen
            command agent-session enter --again -- $root
        else
            set -g -a __agent_session_seen $root
            command agent-session enter -- $root
        end
        test $status -le 128
        or stty $__agent_session_modes
    end

    # A new shell's first directory is recorded alone.
    function __agent_session_first --on-event fish_prompt
        functions --erase __agent_session_first
        test "$AGENT_SESSION_HOOK" = eager
        and set -g __agent_session_is_armed yes
        __agent_session_look
        set -g __agent_session_is_armed yes
    end
end
