# Shells inside a session.
set -g fish_greeting

# While the agent is suspended (Ctrl+Z) it waits behind this shell, and tells its user to type fg.
if set -q AGENT_SESSION_SUSPENDED
    function fg
        if builtin jobs --quiet
            builtin fg $argv
        else
            exit
        end
    end
end
